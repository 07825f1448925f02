import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgramLog } from './program-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-program-log-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('a log that cannot be written is said once, and its writer goes on', async () => {
  const said: string[] = [];
  const log = new ProgramLog(join(directory, 'no', 'such', 'folder.log'), (line) => said.push(line));
  for (let line = 0; line < 100; line += 1) {
    log.write('a line\n');
    await sleep(1);
  }
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /folder\.log cannot be written, its lines are lost: ENOENT/);
});

test('a log is cut at ten megabytes, and the one before it is kept', async () => {
  const file = join(directory, 'big.log');
  const log = new ProgramLog(file, assert.fail);
  const line = `${'x'.repeat(8191)}\n`;
  for (let written = 0; written < 25 * 1024 * 1024; written += line.length) {
    log.write(line);
    if (written % (64 * line.length) === 0) await sleep(5);
  }
  await sleep(100);
  assert(statSync(file).size <= 11 * 1024 * 1024);
  assert(statSync(`${file}.1`).size <= 11 * 1024 * 1024);
  assert.equal(existsSync(`${file}.2`), false);
});

test('the log of the run before is kept beside the new one', async () => {
  const file = join(directory, 'again.log');
  new ProgramLog(file, assert.fail).write('first\n');
  await sleep(50);
  new ProgramLog(file, assert.fail).write('second\n');
  await sleep(50);
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'first\n');
  assert.equal(readFileSync(file, 'utf8'), 'second\n');
});
