import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AGENTGATEWAY_BACKEND,
  type KubernetesObject,
  NAMESPACE,
  type ObjectMeta,
  type ResourceKind,
  type StoredObject,
} from '@pulseplane/resources';
import { type Command, type CommandContext, type Decision, type Rejection, refOf, type State } from './command.ts';
import { decide } from './decide.ts';

const now = '2026-11-22T10:20:30.456Z';
const HOLD = 'example.com/hold';
const SINCE = { deletionTimestamp: '2026-11-22T10:00:00Z', deletionGracePeriodSeconds: 0 };

function stored(kind: ResourceKind, name: string, version: number, metadata: Partial<ObjectMeta> = {}): StoredObject {
  const namespace = kind.namespaced ? 'httpbin' : '';
  const object: KubernetesObject = {
    apiVersion: kind.group === '' ? 'v1' : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { name, ...(kind.namespaced && { namespace, generation: 2 }), uid: `uid-${name}`, ...metadata },
    ...(kind.namespaced && { spec: { static: { host: 'localhost', port: 8081 } } }),
  };
  return { ref: refOf(kind, namespace, name), version, changedAt: '2026-01-01T00:00:00.000Z', object };
}

const backend = (metadata: Partial<ObjectMeta> = {}, name = 'demo', version = 7): StoredObject =>
  stored(AGENTGATEWAY_BACKEND, name, version, metadata);
const namespace = (metadata: Partial<ObjectMeta> = {}): StoredObject => stored(NAMESPACE, 'httpbin', 3, metadata);

type Decided = Decision | Rejection;

function run(command: Command, given: Partial<State>): Decided {
  let ids = 0;
  const context: CommandContext = {
    actor: { user: 'anonymous', via: 'test' },
    requestId: 'r',
    now,
    newId: () => `id-${++ids}`,
  };
  const result = decide(command, { current: undefined, namespace: undefined, contents: [], ...given }, context);
  return result.ok ? result.value : result.error;
}

function remove({ ref, object }: StoredObject, preconditions = {}): Command {
  return { type: 'delete', kind: object.kind === 'Namespace' ? NAMESPACE : AGENTGATEWAY_BACKEND, ref, preconditions };
}

/** The object written again with other finalizers. */
function write({ object }: StoredObject, finalizers: readonly string[]): Command {
  const { finalizers: _, ...metadata } = object.metadata;
  const kind = object.kind === 'Namespace' ? NAMESPACE : AGENTGATEWAY_BACKEND;
  const written = { ...object, metadata: { ...metadata, ...(finalizers.length > 0 && { finalizers }) } };
  return { type: 'replace', kind, object: written };
}

/** What was decided, in short: `Deleted demo, Deleted httpbin; expects demo 7, httpbin 3; contents 1; gone`. */
function summary(decided: Decided): string {
  if ('type' in decided) return decided.type;
  const { append, isGone } = decided;
  const parts = [
    append.events.map(({ type, subject }) => `${type} ${subject.name}`).join(', '),
    `expects ${append.expected.map(({ ref, version }) => `${ref.name} ${version}`).join(', ')}`,
    ...(append.contents === undefined ? [] : [`contents ${append.contents.objects}`]),
    isGone ? 'gone' : 'stays',
  ];
  return parts.join('; ');
}

const held = backend({ finalizers: [HOLD] });
const leaving = backend({ ...SINCE, finalizers: [HOLD] });
const other = backend({ ...SINCE, finalizers: [HOLD] }, 'other', 8);
const ending = namespace(SINCE);

const CASES: readonly (readonly [string, Command, Partial<State>, string])[] = [
  ['without finalizers', remove(backend()), { current: backend() }, 'Deleted demo; expects demo 7; gone'],
  ['with a finalizer', remove(held), { current: held }, 'MetadataChanged demo; expects demo 7; stays'],
  ['a second time', remove(leaving), { current: leaving, namespace: namespace() }, '; expects demo 7; stays'],
  [
    'with a finalizer for dependents, which there are none of',
    remove(backend()),
    { current: backend({ finalizers: ['foregroundDeletion'] }) },
    'Deleted demo; expects demo 7; gone',
  ],
  ['of nothing', remove(backend()), {}, 'notFound'],
  ['with another uid', remove(backend(), { uid: 'x' }), { current: backend() }, 'deletePrecondition'],
  ['with another version', remove(backend(), { resourceVersion: '6' }), { current: backend() }, 'deletePrecondition'],
  [
    'with the right uid and version',
    remove(backend(), { uid: 'uid-demo', resourceVersion: '7' }),
    { current: backend() },
    'Deleted demo; expects demo 7; gone',
  ],
  [
    'by the removal of the last finalizer',
    write(leaving, []),
    { current: leaving, namespace: namespace() },
    'Deleted demo; expects demo 7; gone',
  ],
  [
    'that waits for a second finalizer',
    write(leaving, [HOLD]),
    { current: backend({ ...SINCE, finalizers: [HOLD, 'example.com/b'] }), namespace: namespace() },
    'MetadataChanged demo; expects demo 7; stays',
  ],
  [
    'not asked for, by the removal of a finalizer',
    write(held, []),
    { current: held },
    'MetadataChanged demo; expects demo 7; stays',
  ],
  [
    'with a finalizer added',
    write(leaving, [HOLD, 'a/b']),
    { current: leaving, namespace: namespace() },
    'finalizersAdded',
  ],
  [
    'of the last object in a namespace that ends',
    write(leaving, []),
    { current: leaving, namespace: ending },
    'Deleted demo, Deleted httpbin; expects demo 7, httpbin 3; contents 1; gone',
  ],
  [
    'of the last object in a namespace that ends and is held itself',
    write(leaving, []),
    { current: leaving, namespace: namespace({ ...SINCE, finalizers: [HOLD] }) },
    'Deleted demo; expects demo 7, httpbin 3; contents 1; gone',
  ],
  [
    'of one of two objects in a namespace that ends',
    write(leaving, []),
    { current: leaving, namespace: ending, neighbour: other },
    'Deleted demo; expects demo 7, other 8; gone',
  ],
  [
    'of a namespace',
    remove(namespace()),
    { current: namespace(), contents: [backend()] },
    'Deleted demo, Deleted httpbin; expects demo 7, httpbin 3; contents 1; gone',
  ],
  [
    'of a namespace with a held object',
    remove(namespace()),
    { current: namespace(), contents: [backend({}, 'free', 6), held] },
    'Deleted free, MetadataChanged demo, MetadataChanged httpbin; expects free 6, demo 7, httpbin 3; contents 2; stays',
  ],
  [
    'of a namespace a second time',
    remove(ending),
    { current: ending, contents: [leaving] },
    '; expects demo 7, httpbin 3; contents 1; stays',
  ],
  [
    'of a held namespace',
    remove(namespace()),
    { current: namespace({ finalizers: [HOLD] }), contents: [backend()] },
    'Deleted demo, MetadataChanged httpbin; expects demo 7, httpbin 3; contents 1; stays',
  ],
  [
    'of an empty namespace by the removal of its last finalizer',
    write(ending, []),
    { current: namespace({ ...SINCE, finalizers: [HOLD] }) },
    'Deleted httpbin; expects httpbin 3; contents 0; gone',
  ],
  [
    'of a namespace whose last finalizer goes before its contents',
    write(ending, []),
    { current: namespace({ ...SINCE, finalizers: [HOLD] }), contents: [leaving] },
    'MetadataChanged httpbin; expects httpbin 3; stays',
  ],
];

for (const [name, command, given, expected] of CASES) {
  test(`deletion ${name}`, () => assert.equal(summary(run(command, given)), expected));
}

test('an object on its way out has a time, no grace period, the next generation, and what holds it', () => {
  const current = backend({ finalizers: ['orphan', HOLD], labels: { a: 'b' } });
  const decided = run(remove(current), { current });
  assert('append' in decided);
  const { metadata, ...rest } = decided.object;
  assert.deepEqual(metadata, {
    ...current.object.metadata,
    generation: 3,
    deletionTimestamp: '2026-11-22T10:20:30Z',
    deletionGracePeriodSeconds: 0,
    finalizers: [HOLD],
  });
  const { metadata: _, ...before } = current.object;
  assert.deepEqual(rest, before);
  assert.deepEqual(decided.append.events[0]?.object, decided.object);
});

test('an object on its way out can be changed, and stays on its way', () => {
  const { object } = leaving;
  const command: Command = {
    type: 'replace',
    kind: AGENTGATEWAY_BACKEND,
    object: { ...object, spec: { static: { host: 'localhost', port: 9 } } },
  };
  const decided = run(command, { current: leaving, namespace: namespace() });
  assert('append' in decided);
  assert.equal(decided.append.events[0]?.type, 'SpecChanged');
  assert.equal(decided.object.metadata.deletionTimestamp, SINCE.deletionTimestamp);
  assert.equal(decided.object.metadata.deletionGracePeriodSeconds, 0);
});

test('the event of the end holds the object as it was, and the writer is shown it without finalizers', () => {
  const decided = run(write(leaving, []), { current: leaving, namespace: namespace() });
  assert('append' in decided);
  assert.deepEqual(decided.append.events[0]?.object, leaving.object);
  const { finalizers: _, ...metadata } = leaving.object.metadata;
  assert.deepEqual(decided.object, { ...leaving.object, metadata });
});

test('nothing is created in a namespace that ends, or over an object on its way out', () => {
  const create: Command = { type: 'create', kind: AGENTGATEWAY_BACKEND, object: backend().object };
  assert.deepEqual(run(create, { namespace: ending }), {
    type: 'namespaceTerminating',
    kind: AGENTGATEWAY_BACKEND,
    name: 'demo',
    namespace: 'httpbin',
  });
  assert.deepEqual(run(create, { namespace: namespace(), current: leaving }), {
    type: 'alreadyExists',
    kind: AGENTGATEWAY_BACKEND,
    name: 'demo',
    isDeleting: true,
  });
});

test('an undeleted object is held by nobody and not on its way out', () => {
  const command: Command = { type: 'undelete', kind: AGENTGATEWAY_BACKEND, source: leaving };
  const decided = run(command, { namespace: namespace() });
  assert('append' in decided);
  const { finalizers, deletionTimestamp } = decided.object.metadata;
  assert.deepEqual([finalizers, deletionTimestamp], [undefined, undefined]);
});

test('the namespace default may not be deleted', () => {
  const current = stored(NAMESPACE, 'default', 1);
  assert.deepEqual(run(remove(current), { current }), { type: 'namespaceProtected', namespace: 'default' });
});
