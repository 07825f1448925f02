import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EventLog } from '../event-log.ts';
import { Database } from '../sqlite/driver.ts';
import { verifyLogFile } from '../sqlite/log-file.ts';
import { openSqliteEventLog } from '../sqlite/sqlite-event-log.ts';
import { policyEvent, policyRef } from '../testing/event-log-contract.ts';
import { eventually, JetStreamFixture } from '../testing/jetstream-fixture.ts';
import { whyNoNatsServer } from '../testing/nats-server.ts';
import { encodeCommand, encodeMessage } from './message.ts';

const skip = whyNoNatsServer() ?? false;

async function fixture(t: TestContext, args?: readonly string[]): Promise<JetStreamFixture> {
  const started = await JetStreamFixture.start(args);
  t.after(() => started.close());
  return started;
}

function all(log: EventLog) {
  return log.read({ from: 1, limit: 100_000 });
}

test('two replicas of one stream come to the same events, and each sees what the other appends', {
  skip,
}, async (t) => {
  const nats = await fixture(t);
  const [a, b] = [await nats.open('a'), await nats.open('b')];
  const seenByB: number[] = [];
  b.follow((events) => seenByB.push(...events.map(({ seq }) => seq)));
  const results = await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      (index % 2 === 0 ? a : b).append({
        expected: [{ ref: policyRef(`p${index % 100}`), version: 0 }],
        events: [policyEvent(`p${index % 100}`, 'Created', { index })],
      }),
    ),
  );
  assert.equal(results.filter(({ kind }) => kind === 'appended').length, 100);
  await eventually('both have all', () => a.head() === 100 && b.head() === 100);
  assert.deepEqual(all(a), all(b));
  assert.deepEqual(a.objects({}), b.objects({}));
  assert.deepEqual(
    seenByB,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  const late = await nats.open('c');
  assert.deepEqual(all(late), all(a));
});

test('of racing creations on two replicas one wins, and both know which', { skip }, async (t) => {
  const nats = await fixture(t);
  const [a, b] = [await nats.open('a'), await nats.open('b')];
  const expected = [{ ref: policyRef('x'), version: 0 }];
  const race = await Promise.all([a, b].map((log) => log.append({ expected, events: [policyEvent('x')] })));
  assert.deepEqual(race.map(({ kind }) => kind).sort(), ['appended', 'conflict']);
  await eventually('both have one', () => a.head() === 1 && b.head() === 1);
  assert.deepEqual(all(a), all(b));
});

test('a message that was published again is folded once', { skip }, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  const { nc } = await nats.client();
  const message = (number: number, name: string) =>
    encodeMessage('another-writer', number, [encodeCommand({ expected: [], events: [policyEvent(name)] })]);
  const [first, second] = [message(1, 'one'), message(2, 'two')];
  for (const data of [first, second, first, second, first]) nc.publish('pulseplane.log', data);
  await eventually('two events', () => log.head() >= 2);
  await log.append({ expected: [], events: [policyEvent('three')] });
  assert.deepEqual(
    all(log).map(({ subject }) => subject.name),
    ['one', 'two', 'three'],
  );
});

test('a command that cannot be stored is refused alone, and alike everywhere', { skip }, async (t) => {
  const nats = await fixture(t);
  const [a, b] = [await nats.open('a'), await nats.open('b')];
  const unstorable = a.append({ expected: [], events: [policyEvent('x', 'Created', { number: 1n })] });
  await assert.rejects(unstorable, /BigInt/);
  const [one, two, three] = ['one', 'two', 'three'].map((name) =>
    encodeCommand({ expected: [], events: [policyEvent(name)] }),
  );
  assert(one !== undefined && two !== undefined && three !== undefined);
  const broken = two.replace(/"requestId":"[^"]*"/, '"requestId":null');
  const { nc } = await nats.client();
  nc.publish('pulseplane.log', encodeMessage('another-writer', 1, [one, broken, three]));
  await eventually('both have the others', () => a.head() === 2 && b.head() === 2);
  await a.append({ expected: [], events: [policyEvent('four')] });
  await eventually('both go on', () => b.head() === 3);
  assert.deepEqual(all(a), all(b));
  assert.deepEqual(
    all(a).map(({ subject }) => subject.name),
    ['one', 'three', 'four'],
  );
});

test('many large commands of one turn are split into messages; one that no message can hold is refused', {
  skip,
}, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  const large = (name: string, bytes: number) =>
    log.append({ expected: [], events: [policyEvent(name, 'Created', { text: 'x'.repeat(bytes) })] });
  await Promise.all(Array.from({ length: 30 }, (_, index) => large(`p${index}`, 200_000)));
  assert.equal(log.head(), 30);
  const { jsm } = await nats.client();
  const { state } = await jsm.streams.info('PULSEPLANE');
  assert(state.last_seq >= 15, `two such commands fit into a message, but there are ${state.last_seq} messages`);
  await assert.rejects(large('p', 1_100_000), { name: 'StorageFault', message: /max_payload/ });
  await large('q', 900_000);
  assert.equal(log.head(), 31);
});

test('a stream that came back empty under its name is refused; reads go on', { skip }, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  await log.append({ expected: [], events: [policyEvent('a')] });
  const { jsm } = await nats.client();
  await jsm.streams.delete('PULSEPLANE');
  const append = () => log.append({ expected: [], events: [policyEvent('b')] });
  await eventually('the loss is noticed', async () =>
    append().then(
      () => false,
      ({ message }: Error) => /came back different: it is gone/.test(message),
    ),
  );
  assert.equal(log.object(policyRef('a'))?.version, 1);
  await log.close();
  await assert.rejects(nats.open('a'), { name: 'StorageFault', kind: 'unavailable', message: /it is gone/ });
  // A new replica creates the stream anew; the old one must not take it for its own.
  const other = await nats.open('b');
  await other.append({ expected: [], events: [policyEvent('x')] });
  await assert.rejects(nats.open('a'), { message: /came back different: it was created/ });
});

test('a file that was written apart from its stream is refused', { skip }, async (t) => {
  const nats = await fixture(t);
  const own = openSqliteEventLog(nats.file('a'));
  await own.append({ expected: [], events: [policyEvent('a')] });
  await own.close();
  await assert.rejects(nats.open('a'), { message: /holds events that came from no stream/ });
  await (await nats.open('b')).close();
  const apart = openSqliteEventLog(nats.file('b'));
  await apart.append({ expected: [], events: [policyEvent('b')] });
  await apart.close();
  await assert.rejects(nats.open('b'), { message: /was written apart from the stream PULSEPLANE/ });
});

test('a file that lost its newest event is not sound: it knows how far it had come', { skip }, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  await log.append({ expected: [], events: [policyEvent('a')] });
  await log.append({ expected: [], events: [policyEvent('b')] });
  await log.close();
  const db = new Database(nats.file('a'));
  db.exec('DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE seq = 2');
  db.close();
  assert.deepEqual(verifyLogFile(nats.file('a')).problems.at(-1), {
    seq: 2,
    problem: 'the events up to 2 are missing',
  });
});

test('a message that this version cannot read stops the fold, by name, and is not skipped', { skip }, async (t) => {
  const nats = await fixture(t);
  const log = await nats.open('a');
  await log.append({ expected: [], events: [policyEvent('a')] });
  const { nc } = await nats.client();
  nc.publish('pulseplane.log', '{"format":3}');
  await nc.flush();
  await assert.rejects(log.append({ expected: [], events: [policyEvent('b')] }), {
    name: 'StorageFault',
    message: /message 2 of the stream PULSEPLANE cannot be read: it has format 3/,
  });
  assert.equal(log.head(), 1);
});

test('a server that syncs later, or does not say, is refused unless that is allowed', { skip }, async (t) => {
  const nats = await fixture(t, ['--jetstream', '--addr', '127.0.0.1', '--port', '$PORT', '--store_dir', '$STORE']);
  const notices: string[] = [];
  const options = { notice: (sentence: string) => notices.push(sentence) };
  await assert.rejects(nats.open('a', options), {
    message: /the stream PULSEPLANE is weak: whether .* cannot be asked/,
  });
  assert.equal(notices.length, 1);
  const log = await nats.open('a', { allowWeakStream: true });
  await log.append({ expected: [], events: [policyEvent('a')] });
  assert.equal(log.head(), 1);
});

test('a stream in memory, or one that forgets, is refused', { skip }, async (t) => {
  const nats = await fixture(t);
  const { jsm } = await nats.client();
  const base = { name: 'PULSEPLANE', subjects: ['pulseplane.log'] };
  await jsm.streams.add({ ...base, storage: 'memory', max_age: 3_600_000_000_000, max_msgs: 5, discard: 'old' });
  await assert.rejects(nats.open('a'), {
    message: /kept in memory; it drops messages by their age; .* above max_msgs/,
  });
});
