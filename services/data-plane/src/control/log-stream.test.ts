import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { RecentLines } from '@pulseplane/telemetry';
import { logStream } from './log-stream.ts';

const ALL = { follow: false, timestamps: false };

function linesAt(context: TestContext) {
  context.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-22T10:00:00Z') });
  const lines = new RecentLines();
  return {
    lines,
    write: (line: string) => {
      lines.write(`${line}\n`);
      context.mock.timers.tick(1_000);
    },
  };
}

test('all lines, the last ones, those since a time, and with their times', async (context) => {
  const { lines, write } = linesAt(context);
  for (const line of ['a', 'b', 'c']) write(line);
  const read = (more: object) => text(logStream(lines, { ...ALL, ...more }));
  assert.equal(await read({}), 'a\nb\nc\n');
  assert.equal(await read({ tailLines: 2 }), 'b\nc\n');
  assert.equal(await read({ tailLines: 0 }), '');
  assert.equal(await read({ tailLines: 9 }), 'a\nb\nc\n');
  assert.equal(await read({ since: new Date('2026-11-22T10:00:02Z') }), 'c\n');
  assert.equal(await read({ tailLines: 1, timestamps: true }), '2026-11-22T10:00:02.000000000Z c\n');
});

test('who follows gets what comes, in order, and is told what was lost while it did not read', async (context) => {
  const { lines, write } = linesAt(context);
  write('old');
  const stream = logStream(lines, { ...ALL, follow: true, tailLines: 0 }).setEncoding('utf8');
  const next = async (): Promise<string> => String((await stream.iterator({ destroyOnReturn: false }).next()).value);
  const first = next();
  await new Promise(setImmediate);
  write('one');
  assert.equal(await first, 'one\n');
  for (let at = 0; at < 5_000; at += 1) write(`${at} ${'.'.repeat(100)}`);
  let seen = '';
  while (!seen.includes('4999 ')) seen += await next();
  const [, lost] = /^\[(\d+) lines are not kept any more\]$/m.exec(seen) ?? [];
  assert.equal(Number(lost) + (seen.match(/^\d+ \.+$/gm)?.length ?? 0), 5_000);
  stream.destroy();
});

test('the lines that are kept are bounded in number and in length', () => {
  const lines = new RecentLines();
  for (let at = 0; at < 3_000; at += 1) lines.write(`${at}`);
  assert.deepEqual([lines.after(0).length, lines.after(0)[0]?.text], [2_000, '1000']);
  for (let at = 0; at < 30; at += 1) lines.write(`${at}`.padEnd(100_000, '.'));
  assert.equal(lines.after(0).length, 10);
  lines.write('x'.repeat(3_000_000));
  assert.deepEqual(
    lines.after(0).map(({ text: { length } }) => length),
    [1_000_000],
  );
});
