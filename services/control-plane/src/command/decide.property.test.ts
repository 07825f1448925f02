import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  apiVersionOf,
  type Json,
  type JsonObject,
  type KubernetesObject,
  NAMESPACE,
  type ObjectMeta,
  pendingFinalizers,
  RESOURCE_KINDS,
  type ResourceKind,
  refKey,
  type StoredObject,
} from '@pulseplane/resources';
import fc from 'fast-check';
import { type Command, type CommandContext, refOf, type State } from './command.ts';
import { decide } from './decide.ts';

// Few values, so that commands and states meet; and any text beside them.
const text = fc.oneof(fc.constantFrom('a', 'default', '', '__proto__', 'constructor'), fc.string({ unit: 'binary' }));
const version = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.nat());
const labels = fc.option(fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }), { nil: undefined });

const json: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }) as fc.Arbitrary<Json>;
const spec: fc.Arbitrary<JsonObject | undefined> = fc.option(fc.dictionary(text, json, { maxKeys: 3 }), {
  nil: undefined,
});

const metadata: fc.Arbitrary<ObjectMeta> = fc
  .record({
    name: text,
    namespace: fc.option(text, { nil: undefined }),
    uid: fc.option(fc.constantFrom('u1', 'u2', ''), { nil: undefined }),
    resourceVersion: fc.option(fc.oneof(version.map(String), text), { nil: undefined }),
    generation: fc.option(fc.nat(), { nil: undefined }),
    creationTimestamp: fc.option(text, { nil: undefined }),
    labels,
    annotations: labels,
    finalizers: fc.option(fc.array(fc.constantFrom('a/b', 'c/d', 'orphan'), { maxLength: 2 }), { nil: undefined }),
    deletionTimestamp: fc.option(fc.constant('2026-01-01T00:00:00Z'), { nil: undefined }),
  })
  .map(withoutUndefined);

function objectOf(kind: ResourceKind): fc.Arbitrary<KubernetesObject> {
  return fc
    .record({ apiVersion: fc.constant(apiVersionOf(kind)), kind: fc.constant(kind.kind), metadata, spec })
    .map(withoutUndefined);
}

function storedOf(kind: ResourceKind): fc.Arbitrary<StoredObject> {
  return fc.record({ version, object: objectOf(kind) }).map((stored) => {
    // The log holds no resourceVersion: it is the event's number.
    const { resourceVersion: _, ...metadataOfLog } = stored.object.metadata;
    return {
      ref: refOf(kind, metadataOfLog.namespace ?? '', metadataOfLog.name),
      version: stored.version,
      changedAt: '2026-01-01T00:00:00.000Z',
      object: { ...stored.object, metadata: metadataOfLog },
    };
  });
}

const kinds = fc.constantFrom(...RESOURCE_KINDS);
const anyStored = kinds.chain(storedOf);

function commandOf(kind: ResourceKind): fc.Arbitrary<Command> {
  const object = objectOf(kind);
  const resourceVersion = fc.option(fc.oneof(version.map(String), text), { nil: undefined });
  const uid = fc.option(fc.constantFrom('u1', 'u2', ''), { nil: undefined });
  return fc.oneof(
    fc.record({ type: fc.constant('create' as const), kind: fc.constant(kind), object }),
    fc.record({ type: fc.constant('replace' as const), kind: fc.constant(kind), object }),
    fc.record({
      type: fc.constant('delete' as const),
      kind: fc.constant(kind),
      ref: fc.tuple(text, text).map(([namespace, name]) => refOf(kind, namespace, name)),
      preconditions: fc.record({ uid, resourceVersion }).map(withoutUndefined),
    }),
    fc.record({
      type: fc.constant('rollback' as const),
      kind: fc.constant(kind),
      source: storedOf(kind),
      preconditions: fc.record({ resourceVersion }).map(withoutUndefined),
    }),
    fc.record({ type: fc.constant('undelete' as const), kind: fc.constant(kind), source: storedOf(kind) }),
  );
}

function stateOf(kind: ResourceKind): fc.Arbitrary<State> {
  return fc.record({
    current: fc.option(storedOf(kind), { nil: undefined }),
    namespace: fc.option(storedOf(NAMESPACE), { nil: undefined }),
    contents: fc.array(anyStored, { maxLength: 3 }),
  });
}

const cases = kinds.chain((kind) =>
  fc.record({ command: commandOf(kind), state: stateOf(kind), now: fc.date({ noInvalidDate: true }) }),
);

function contextAt(now: Date): CommandContext {
  let ids = 0;
  return {
    actor: { user: 'anonymous', via: 'test' },
    requestId: 'r',
    now: now.toISOString(),
    newId: () => `id-${++ids}`,
  };
}

test('any command on any state is decided: never an exception, the same again, and nothing given is changed', () => {
  fc.assert(
    fc.property(cases, ({ command, state, now }) => {
      const before = JSON.stringify([command, state]);
      const decided = decide(command, state, contextAt(now));
      assert.deepEqual(decide(command, state, contextAt(now)), decided);
      assert.equal(JSON.stringify([command, state]), before);
    }),
    { numRuns: 2000 },
  );
});

test('what is decided expects the state that it was decided on, and a generation counts changes of the spec', () => {
  fc.assert(
    fc.property(cases, ({ command, state, now }) => {
      const decided = decide(command, state, contextAt(now));
      if (!decided.ok) return;
      const { append, object, version: versionBefore, isGone } = decided.value;
      assert.equal(versionBefore, state.current?.version ?? 0);
      assert(append.expected.some((expected) => expected.version === versionBefore));
      assert.equal(object.metadata.resourceVersion, undefined);
      assert.equal(new Set(append.events.map(({ id }) => id)).size, append.events.length);
      for (const event of append.events) assert.equal(event.subject.uid, event.object.metadata.uid ?? '');
      const own = append.events.findLast(({ subject }) => refKey(subject) === refKey(decided.value.ref));
      assert.equal(isGone, own?.type === 'Deleted');
      if (command.type === 'create' || command.type === 'undelete') {
        assert.equal(object.metadata.deletionTimestamp, undefined);
      }
      const { generation } = state.current?.object.metadata ?? {};
      if (command.type === 'delete' || isGone || generation === undefined) return;
      const raised = append.events.some(({ type }) => type === 'SpecChanged') ? 1 : 0;
      assert.equal(object.metadata.generation, generation + raised);
    }),
    { numRuns: 2000 },
  );
});

test('no finalizer is lost but by who removes it, and what one holds is not deleted', () => {
  fc.assert(
    fc.property(cases, ({ command, state, now }) => {
      const decided = decide(command, state, contextAt(now));
      if (!decided.ok || state.current === undefined) return;
      const { object, isGone } = decided.value;
      const before = pendingFinalizers(state.current.object.metadata.finalizers);
      if (command.type === 'replace') {
        const wanted = pendingFinalizers(command.object.metadata.finalizers);
        assert.deepEqual(pendingFinalizers(object.metadata.finalizers), wanted);
        if (wanted.length > 0) assert(!isGone);
      } else {
        assert.deepEqual(pendingFinalizers(object.metadata.finalizers), before);
        if (before.length > 0) assert(!isGone);
      }
    }),
    { numRuns: 2000 },
  );
});

function withoutUndefined<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}
