import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { ObjectRef } from '@pulseplane/resources';
import type { EventType, NewEvent, StoredEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import { createMemoryEventLog } from '../memory/memory-event-log.ts';
import { verifyLogFile } from '../sqlite/log-file.ts';
import { openSqliteEventLog } from '../sqlite/sqlite-event-log.ts';
import { StorageFault } from '../storage-fault.ts';
import { eventLogContract, policyEvent, policyRef } from '../testing/index.ts';
import { sealedWith } from './object-seal.ts';
import { sealSecrets } from './sealed-event-log.ts';
import { newSealingKeyFile, parseSealingKeys } from './sealing-key.ts';

const [KEY] = parseSealingKeys(newSealingKeyFile());
const [OTHER] = parseSealingKeys(newSealingKeyFile());
const PRIVATE = 'the-private-part';

eventLogContract({ name: 'sealed memory', open: () => sealSecrets(createMemoryEventLog(), [KEY]) });
eventLogContract({ name: 'sealed sqlite', open: () => sealSecrets(openSqliteEventLog(freshFile()), [KEY]) });

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-sealed-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function freshFile(): string {
  return join(mkdtempSync(join(directory, 'log-')), 'events.db');
}

function secretRef(name: string): ObjectRef {
  return { group: '', kind: 'Secret', namespace: 'httpbin', name };
}

function secretEvent(name: string, value = PRIVATE, type: EventType = 'Created'): NewEvent {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { key: value } }) };
  return {
    ...policyEvent(name, type),
    subject: { ...secretRef(name), uid: `uid-${name}` },
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'httpbin', uid: `uid-${name}`, annotations },
      data: { key: value },
    },
  };
}

/** What the log below holds of a Secret. */
function lying(log: EventLog, name: string): string {
  return JSON.stringify([log.object(secretRef(name)), log.read({ from: 1, limit: 100 })]);
}

test('a Secret is what it was in every read, and never in the log below', async () => {
  const below = createMemoryEventLog();
  const log = sealSecrets(below, [KEY]);
  const followed: StoredEvent[] = [];
  log.follow((events) => followed.push(...events));
  const created = secretEvent('a');
  const changed = secretEvent('a', 'another-private-part', 'SpecChanged');
  const first = await log.append({ expected: [], events: [policyEvent('p'), created], idempotencyKey: 'once' });
  await log.append({ expected: [], events: [changed] });

  const ref = secretRef('a');
  assert(first.kind === 'appended');
  assert.deepEqual(first.events[1]?.object, created.object);
  assert.deepEqual(log.object(ref)?.object, changed.object);
  assert.deepEqual(log.objectAt(ref, 2)?.object, created.object);
  for (const objects of [log.objects({ kind: 'Secret' }), log.objects({}).slice(0, 1), [...log.each({})].slice(0, 1)]) {
    assert.deepEqual(
      objects.map(({ object }) => object),
      [changed.object],
    );
  }
  assert.deepEqual(log.objectsAt({ group: '' }, 2)[0]?.object, created.object);
  assert.deepEqual(log.objects({ kind: 'AgentgatewayPolicy' })[0]?.object, policyEvent('p').object);
  assert.deepEqual(log.appended('once')?.[1]?.object, created.object);
  const objectsOf = (events: readonly StoredEvent[]) => events.map(({ object }) => object);
  assert.deepEqual(objectsOf(log.history(ref, { before: 9, limit: 9 })), [changed.object, created.object]);
  assert.deepEqual(objectsOf(log.read({ from: 2, limit: 9 })), [created.object, changed.object]);
  assert.deepEqual(objectsOf(followed), [policyEvent('p').object, created.object, changed.object]);
  assert.equal(log.object(policyRef('p'))?.version, 1);

  assert.doesNotMatch(lying(below, 'a'), /private-part/);
  assert.equal(sealedWith(below.object(ref)?.object ?? created.object), KEY.id);
});

test('no byte of a value is in the files, and they verify without the key', async () => {
  const file = freshFile();
  const log = sealSecrets(openSqliteEventLog(file), [KEY]);
  await log.append({ expected: [], events: [secretEvent('a')], idempotencyKey: 'once' });
  const bytes = (): string =>
    readdirSync(join(file, '..'))
      .map((name) => readFileSync(join(file, '..', name), 'latin1'))
      .join('');
  assert.match(bytes(), /uid-a/);
  assert.doesNotMatch(bytes(), new RegExp(PRIVATE));
  await log.close();
  assert.doesNotMatch(bytes(), new RegExp(PRIVATE));
  assert.deepEqual((await verifyLogFile(file)).problems, []);
});

async function sealed(t: TestContext): Promise<EventLog> {
  const below = createMemoryEventLog();
  await sealSecrets(below, [KEY]).append({ expected: [], events: [secretEvent('a'), secretEvent('b')] });
  t.after(() => below.close());
  return below;
}

test('a key that is replaced opens what it has sealed', async (t) => {
  const below = await sealed(t);
  const log = sealSecrets(below, [OTHER, KEY]);
  assert.deepEqual(log.object(secretRef('a'))?.object, secretEvent('a').object);
  await log.append({ expected: [], events: [secretEvent('a', 'new', 'SpecChanged')] });
  const now = below.object(secretRef('a'))?.object;
  assert.equal(now && sealedWith(now), OTHER.id);
});

test('without its key, in the place of another, or damaged, a Secret stays as it lies', async (t) => {
  const below = await sealed(t);
  const [a, b] = below.objects({ kind: 'Secret' }).map(({ object }) => object);
  assert(a && b);
  assert.deepEqual(sealSecrets(below, [OTHER]).object(secretRef('a'))?.object, a);
  assert.deepEqual(sealSecrets(below, []).object(secretRef('a'))?.object, a);
  const text = JSON.stringify(a);
  const flipped = text.replace(/"box":"(.{40})(.)/, (_, start, end) => `"box":"${start}${end === 'A' ? 'B' : 'A'}`);
  assert.notEqual(flipped, text);
  const cut = ['', 'AAAA'].map((box) => JSON.parse(text.replace(/"box":"[^"]*"/, `"box":"${box}"`)));
  for (const object of [b, JSON.parse(flipped), ...cut]) {
    const other = createMemoryEventLog();
    await other.append({ expected: [], events: [{ ...secretEvent('a'), object }] });
    assert.deepEqual(sealSecrets(other, [KEY]).object(secretRef('a'))?.object, object);
  }
});

test('without any key no Secret is written, and everything else is', async () => {
  const log = sealSecrets(createMemoryEventLog(), []);
  await assert.rejects(log.append({ expected: [], events: [policyEvent('p'), secretEvent('a')] }), StorageFault);
  assert.equal(log.head(), 0);
  assert.equal((await log.append({ expected: [], events: [policyEvent('p')] })).kind, 'appended');
});

test('a key file names the line that is wrong, and shows nothing of it', () => {
  const key = newSealingKeyFile();
  assert.equal(parseSealingKeys(`\n${key}${newSealingKeyFile()}`).length, 2);
  for (const [text, message] of [
    ['', 'there is no key in it'],
    ['# only words\n', 'there is no key in it'],
    [`${key}hunter2\n`, 'line 3 must be 32 bytes in base64'],
    [Buffer.alloc(31).toString('base64'), 'line 1 must be 32 bytes in base64'],
  ] as const) {
    assert.throws(() => parseSealingKeys(text), { message });
  }
});
