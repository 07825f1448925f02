import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import fc from 'fast-check';
import type { EventType, NewEvent, StoredEvent } from './event.ts';
import type { Append, EventLog, ExpectedVersion } from './event-log.ts';
import { createMemoryEventLog, openSqliteEventLog } from './index.ts';
import { policyEvent, policyRef } from './testing/event-log-contract.ts';
import { inspectLogFile } from './testing/inspect-file.ts';

const NAMES = ['a', 'b', 'c'];
const KEYS = ['key-1', 'key-2', 'key-3'];

/** One append before it meets the state: whether an expectation is right is decided when it runs. */
type Step = {
  readonly changes: readonly { readonly name: string; readonly deletes: boolean; readonly value: fc.JsonValue }[];
  readonly expects: readonly { readonly name: string; readonly off: number }[];
  readonly key: string | undefined;
  /** Sent in the same turn as the step before, so that both share a transaction. */
  readonly joins: boolean;
};

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    changes: fc.array(
      fc.record({
        name: fc.constantFrom(...NAMES),
        deletes: fc.boolean(),
        value: fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }),
      }),
      { maxLength: 4 },
    ),
    expects: fc.array(
      fc.record({
        name: fc.constantFrom(...NAMES),
        off: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 })),
      }),
      { maxLength: 2 },
    ),
    key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
    joins: fc.boolean(),
  }),
  { maxLength: 30, size: 'medium' },
);

type Entry = NewEvent & { readonly seq: number };

/** The log as one would explain it: a list of events, the objects after each of them, and the keys that were used. */
class Model {
  readonly events: Entry[] = [];
  readonly objectsAfter: ReadonlyMap<string, StoredObject>[] = [new Map()];
  readonly keys = new Map<string, readonly Entry[]>();

  get objects(): ReadonlyMap<string, StoredObject> {
    return this.objectsAfter.at(-1) ?? new Map();
  }

  version(ref: ObjectRef): number {
    return this.objects.get(refKey(ref))?.version ?? 0;
  }

  /** The append that a step means now; deletions only of what is there, as commands decide. */
  prepare({ changes, expects, key }: Step): Append {
    const alive = new Set(NAMES.filter((name) => this.version(policyRef(name)) > 0));
    const events = changes.map(({ name, deletes, value }) => {
      const type: EventType = !alive.has(name) ? 'Created' : deletes ? 'Deleted' : 'SpecChanged';
      if (type === 'Deleted') alive.delete(name);
      else alive.add(name);
      // As it is after the way through JSON: -0 is 0 there.
      return policyEvent(name, type, { value: JSON.parse(JSON.stringify(value)) as unknown });
    });
    const expected: readonly ExpectedVersion[] = expects.map(({ name, off }) => {
      const ref = policyRef(name);
      return { ref, version: this.version(ref) + off };
    });
    return { expected, events, ...(key !== undefined && { idempotencyKey: key }) };
  }

  append({ expected, events, idempotencyKey }: Append): object {
    const first = idempotencyKey === undefined ? undefined : this.keys.get(idempotencyKey);
    if (first !== undefined) return { kind: 'repeated', events: first };
    for (const { ref, version } of expected) {
      const actual = this.version(ref);
      if (actual !== version) return { kind: 'conflict', ref, expected: version, actual };
    }
    const appended = events.map((event) => this.#add(event));
    if (idempotencyKey !== undefined && appended.length > 0) this.keys.set(idempotencyKey, appended);
    return { kind: 'appended', events: appended };
  }

  #add(event: NewEvent): Entry {
    const entry = { ...event, seq: this.events.length + 1 };
    const { uid: _, ...ref } = event.subject;
    const objects = new Map(this.objects);
    if (event.type === 'Deleted') objects.delete(refKey(ref));
    else objects.set(refKey(ref), { ref, version: entry.seq, changedAt: event.time, object: event.object });
    this.events.push(entry);
    this.objectsAfter.push(objects);
    return entry;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-event-log-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;

test('memory: any sequence of commands gives what the model gives, at every prefix', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const log = createMemoryEventLog();
      await runAndCompare(log, new Model(), sequence);
      await log.close();
    }),
    { numRuns: 200 },
  );
});

test('sqlite: any sequence of commands gives what the model gives, at every prefix, and after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, async (before, later) => {
      files += 1;
      const file = join(directory, `log-${files}.db`);
      const model = new Model();
      for (const sequence of [before, later]) {
        const log = openSqliteEventLog(file);
        try {
          await runAndCompare(log, model, sequence);
        } finally {
          await log.close();
        }
      }
      assert.deepEqual(inspectLogFile(file).faults, []);
      rmSync(file);
    }),
    { numRuns: 40 },
  );
});

async function runAndCompare(log: EventLog, model: Model, sequence: readonly Step[]): Promise<void> {
  const followed: StoredEvent[] = [];
  const before = model.events.length;
  const stop = log.follow((events) => followed.push(...events));
  let turn: { readonly actual: Promise<object>; readonly expected: object }[] = [];
  const endTurn = async (): Promise<void> => {
    const answers = await Promise.all(turn.map(({ actual }) => actual));
    assert.deepEqual(
      answers.map(withoutSeals),
      turn.map(({ expected }) => expected),
    );
    turn = [];
    compareNow(log, model);
  };
  for (const step of sequence) {
    if (!step.joins) await endTurn();
    const append = model.prepare(step);
    turn.push({ expected: model.append(append), actual: log.append(append) });
  }
  await endTurn();
  stop();
  assert.deepEqual(followed.map(withoutSeal), model.events.slice(before));
  comparePast(log, model);
}

function compareNow(log: EventLog, model: Model): void {
  assert.equal(log.head(), model.events.length);
  assert.deepEqual(log.objects({}), sorted(model.objects));
  for (const name of NAMES) assert.deepEqual(log.object(policyRef(name)), model.objects.get(refKey(policyRef(name))));
}

/** The objects at every prefix, against a fold from zero; then events, histories and keys. */
function comparePast(log: EventLog, model: Model): void {
  for (const [seq, objects] of model.objectsAfter.entries()) {
    assert.deepEqual(log.objectsAt({}, seq), sorted(objects), `objects at ${seq}`);
    for (const name of NAMES) {
      const ref = policyRef(name);
      assert.deepEqual(log.objectAt(ref, seq), objects.get(refKey(ref)), `${name} at ${seq}`);
    }
  }
  assert.deepEqual(log.read({ from: 1, limit: model.events.length + 1 }).map(withoutSeal), model.events);
  for (const name of NAMES) {
    const own = model.events.filter(({ subject }) => subject.name === name).reverse();
    assert.deepEqual(log.history(policyRef(name), { before: log.head() + 1, limit: 1000 }).map(withoutSeal), own);
  }
  for (const key of KEYS) assert.deepEqual(log.appended(key)?.map(withoutSeal), model.keys.get(key));
}

function sorted(objects: ReadonlyMap<string, StoredObject>): readonly StoredObject[] {
  return [...objects.values()].sort((a, b) => (a.ref.name < b.ref.name ? -1 : 1));
}

function withoutSeals(result: object): object {
  return 'events' in result
    ? { ...result, events: (result.events as readonly StoredEvent[]).map(withoutSeal) }
    : result;
}

function withoutSeal({ schemaVersion: _, prevHash: __, hash: ___, ...entry }: StoredEvent): Entry {
  return entry;
}
