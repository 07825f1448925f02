import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EventLog } from '../event-log.ts';
import { policyEvent, policyRef } from '../testing/event-log-contract.ts';
import { eventually, JetStreamFixture } from '../testing/jetstream-fixture.ts';
import { whyNoNatsServer } from '../testing/nats-server.ts';

const skip = whyNoNatsServer() ?? false;

async function fixture(t: TestContext): Promise<JetStreamFixture> {
  const started = await JetStreamFixture.start();
  t.after(() => started.close());
  return started;
}

/** Writers that go on until they are stopped, whatever happens; each remembers what was acknowledged to it. */
function startWriters(log: EventLog, count: number) {
  const acknowledged: string[] = [];
  let faults = 0;
  let stopped = false;
  const writers = Array.from({ length: count }, async (_, writer) => {
    for (let turn = 0; !stopped; turn++) {
      const name = `w${writer}-${turn}`;
      try {
        const result = await log.append({
          expected: [{ ref: policyRef(name), version: 0 }],
          events: [policyEvent(name)],
        });
        if (result.kind === 'appended') acknowledged.push(name);
      } catch (error) {
        assert.equal(error instanceof Error && error.name, 'StorageFault');
        faults += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  });
  return {
    acknowledged,
    faults: () => faults,
    stop: async () => {
      stopped = true;
      await Promise.all(writers);
    },
  };
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the server ends by ${signal} amid writes and comes back: nothing acknowledged is lost, nothing is double`, {
    skip,
  }, async (t) => {
    const nats = await fixture(t);
    const [log, other] = [await nats.open('a'), await nats.open('b')];
    const writers = startWriters(log, 16);
    for (let round = 0; round < 3; round++) {
      const before = writers.acknowledged.length;
      await eventually('writes go on', () => writers.acknowledged.length > before + 100);
      await nats.server.stop(signal);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await nats.server.start();
    }
    const before = writers.acknowledged.length;
    await eventually('writes go on', () => writers.acknowledged.length > before + 100);
    await writers.stop();
    const names = log.read({ from: 1, limit: 1_000_000 }).map(({ subject }) => subject.name);
    assert.equal(new Set(names).size, names.length, 'an event is there twice');
    const there = new Set(names);
    assert.deepEqual(
      writers.acknowledged.filter((name) => !there.has(name)),
      [],
    );
    await eventually('the other replica has all', () => other.head() === log.head());
    assert.deepEqual(other.read({ from: 1, limit: 1_000_000 }), log.read({ from: 1, limit: 1_000_000 }));
    await log.close();
    const again = await nats.open('a');
    assert.deepEqual(again.read({ from: 1, limit: 1_000_000 }), other.read({ from: 1, limit: 1_000_000 }));
    t.diagnostic(`${writers.acknowledged.length} acknowledged, ${writers.faults()} faults, ${names.length} events`);
  });
}

test('while NATS is away writes fail within seconds and reads go on; then writes go on', { skip }, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  await log.append({ expected: [], events: [policyEvent('a')] });
  await nats.server.stop();
  let startedAt = Date.now();
  const write = (name: string) => log.append({ expected: [], events: [policyEvent(name)] });
  // A write that goes out before the loss of the connection is noticed is like one that was under way.
  const unknown = await write('unknown').catch((fault: unknown) => String(fault));
  if (/gave no answer within 10 s/.test(String(unknown))) startedAt = Date.now();
  await assert.rejects(write('b'), {
    name: 'StorageFault',
    kind: 'unavailable',
    message: /takes no commands now: NATS cannot be reached/,
  });
  assert(Date.now() - startedAt < 5000);
  assert.equal(log.object(policyRef('a'))?.version, 1);
  await nats.server.start();
  await eventually('writes go on', () =>
    write('c').then(
      () => true,
      () => false,
    ),
  );
  const names = log.read({ from: 1, limit: 9 }).map(({ subject }) => subject.name);
  assert.deepEqual(
    names.filter((name) => name !== 'unknown'),
    ['a', 'c'],
  );
});

test('a write whose server froze has an unknown outcome, and is there once when the server goes on', {
  skip,
}, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  nats.server.signal('SIGSTOP');
  // Not every thread of it stops at once.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await assert.rejects(log.append({ expected: [], events: [policyEvent('a')] }), {
    name: 'StorageFault',
    kind: 'unavailable',
    outcome: 'unknown',
  });
  nats.server.signal('SIGCONT');
  await eventually('writes go on', () =>
    log.append({ expected: [], events: [policyEvent('b')] }).then(
      () => true,
      () => false,
    ),
  );
  const names = log.read({ from: 1, limit: 9 }).map(({ subject }) => subject.name);
  assert.deepEqual(names, [...new Set(names)]);
});

test('a log opens where it stood, and folds what others wrote meanwhile before it opens', { skip }, async (t) => {
  const nats = await fixture(t);
  const a = await nats.open('a');
  await a.append({ expected: [], events: [policyEvent('a')] });
  await a.close();
  const b = await nats.open('b');
  await Promise.all(
    Array.from({ length: 500 }, (_, index) => b.append({ expected: [], events: [policyEvent(`b${index}`)] })),
  );
  await b.close();
  await nats.server.stop('SIGKILL');
  await nats.server.start();
  const again = await nats.open('a');
  assert.equal(again.head(), 501);
  const result = await again.append({
    expected: [{ ref: policyRef('a'), version: 1 }],
    events: [policyEvent('a', 'SpecChanged')],
  });
  assert(result.kind === 'appended');
  assert.equal(result.events[0]?.seq, 502);
});

test('without a server the log does not open, and says why without the password', { skip }, async (t) => {
  const nats = await fixture(t);
  await nats.server.stop();
  await assert.rejects(
    nats.open('a', { url: nats.server.url.replace('pulse@', 'secret@'), opensWithinMs: 500 }),
    ({ name, message }: Error) =>
      name === 'StorageFault' && /cannot be reached/.test(message) && !/secret/.test(message),
  );
});
