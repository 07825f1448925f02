import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AGENTGATEWAY_BACKEND,
  type KubernetesObject,
  NAMESPACE,
  type ObjectMeta,
  type StoredObject,
} from '@pulseplane/resources';
import { type Command, type CommandContext, type Decision, type Rejection, refOf, type State } from './command.ts';
import { decide } from './decide.ts';
import type { Result } from './result.ts';

const now = '2026-11-22T10:20:30.456Z';
const ref = refOf(AGENTGATEWAY_BACKEND, 'httpbin', 'demo');

function contextOf(): CommandContext {
  let ids = 0;
  return { actor: { user: 'anonymous', via: 'test' }, requestId: 'r', now, newId: () => `id-${++ids}` };
}

function backend(metadata: Partial<ObjectMeta> = {}, port = 8081): KubernetesObject {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { name: 'demo', namespace: 'httpbin', ...metadata },
    spec: { static: { host: 'localhost', port } },
  };
}

function namespaceAt(name: string, version: number): StoredObject {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, uid: `uid-${name}` } };
  return { ref: refOf(NAMESPACE, '', name), version, changedAt: now, object };
}

const stored: StoredObject = {
  ref,
  version: 7,
  changedAt: '2026-01-01T00:00:00.000Z',
  object: backend({ uid: 'u1', generation: 2, creationTimestamp: '2026-01-01T00:00:00Z', labels: { a: 'b' } }),
};

function state(part: Partial<State>): State {
  return { current: undefined, namespace: undefined, contents: [], ...part };
}

function run(command: Command, given: Partial<State>): Result<Decision, Rejection> {
  return decide(command, state(given), contextOf());
}

function accepted(result: Result<Decision, Rejection>): Decision {
  if (!result.ok) assert.fail(`rejected: ${result.error.type}`);
  return result.value;
}

function rejection(result: Result<Decision, Rejection>): Rejection {
  if (result.ok) assert.fail('was accepted');
  return result.error;
}

const create = (object: KubernetesObject): Command => ({ type: 'create', kind: AGENTGATEWAY_BACKEND, object });
const replace = (object: KubernetesObject): Command => ({ type: 'replace', kind: AGENTGATEWAY_BACKEND, object });

test('a creation is one event, with uid, whole seconds and generation 1, and without a resourceVersion', () => {
  const namespace = namespaceAt('httpbin', 3);
  const decision = accepted(run(create(backend({ uid: 'mine', labels: { a: 'b' } })), { namespace }));
  const object = backend({
    uid: 'id-1',
    creationTimestamp: '2026-11-22T10:20:30Z',
    generation: 1,
    labels: { a: 'b' },
    managedFields: decision.object.metadata.managedFields ?? [],
  });
  assert.deepEqual(
    object.metadata.managedFields?.map(({ manager, operation, time }) => [manager, operation, time]),
    [['test', 'Update', '2026-11-22T10:20:30Z']],
  );
  assert.deepEqual(decision.append.expected, [
    { ref, version: 0 },
    { ref: namespace.ref, version: 3 },
  ]);
  assert.deepEqual(decision.append.events, [
    {
      id: 'id-2',
      type: 'Created',
      subject: { ...ref, uid: 'id-1' },
      object,
      actor: { user: 'anonymous', via: 'test' },
      requestId: 'r',
      correlationId: 'r',
      time: '2026-11-22T10:20:30.456Z',
    },
  ]);
  assert.equal(decision.version, 0);
});

test('a creation is refused in a missing namespace, over an existing object, and with a resourceVersion', () => {
  const namespace = namespaceAt('httpbin', 3);
  assert.deepEqual(rejection(run(create(backend()), {})), { type: 'namespaceNotFound', namespace: 'httpbin' });
  assert.equal(rejection(run(create(backend()), { namespace, current: stored })).type, 'alreadyExists');
  assert.equal(rejection(run(create(backend({ resourceVersion: '1' })), { namespace })).type, 'versionOnCreate');
});

test('a namespace is created without a namespace, without a generation, and with its name as a label', () => {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } };
  const decision = accepted(run({ type: 'create', kind: NAMESPACE, object }, {}));
  assert.equal(decision.object.metadata.generation, undefined);
  assert.deepEqual(decision.object.metadata.labels, { 'kubernetes.io/metadata.name': 'a' });
});

test('a changed spec raises the generation', () => {
  const decision = accepted(run(replace(backend({ labels: { a: 'b' } }, 9)), { current: stored }));
  assert.deepEqual(decision.append.expected, [{ ref, version: 7 }]);
  assert.equal(decision.append.events[0]?.type, 'SpecChanged');
  assert.equal(decision.object.metadata.generation, 3);
  assert.equal(decision.object.metadata.uid, 'u1');
  assert.equal(decision.object.metadata.creationTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(decision.changedAt, now);
});

test('changed labels do not raise the generation', () => {
  const decision = accepted(run(replace(backend({ annotations: { x: 'y' } })), { current: stored }));
  assert.equal(decision.append.events[0]?.type, 'MetadataChanged');
  assert.equal(decision.object.metadata.generation, 2);
  assert.equal(decision.object.metadata.labels, undefined);
});

test('a replacement that changes nothing is no event', () => {
  const same = backend({ labels: { a: 'b' }, uid: 'u1', resourceVersion: '7', generation: 99 });
  const decision = accepted(run(replace(same), { current: stored }));
  assert.deepEqual(decision.append.events, []);
  assert.deepEqual(decision.object, stored.object);
  assert.equal(decision.version, 7);
  assert.equal(decision.changedAt, stored.changedAt);
});

test('a replacement is refused for a missing object, another version, and another uid', () => {
  assert.equal(rejection(run(replace(backend()), {})).type, 'notFound');
  assert.equal(rejection(run(replace(backend({ resourceVersion: '6' })), { current: stored })).type, 'modified');
  assert.deepEqual(rejection(run(replace(backend({ uid: 'u2' })), { current: stored })), {
    type: 'preconditionFailed',
    kind: AGENTGATEWAY_BACKEND,
    name: 'demo',
    field: 'uid',
    wanted: 'u2',
    actual: 'u1',
  });
});
