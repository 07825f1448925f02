import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createMemoryEventLog, type EventLog } from '@pulseplane/event-log';
import { wrapEventLog } from '@pulseplane/event-log/testing';
import { AGENTGATEWAY_BACKEND, GATEWAY_CLASS, type KubernetesObject, NAMESPACE } from '@pulseplane/resources';
import { bootstrap } from './bootstrap.ts';
import { type Command, refOf } from './command.ts';
import { execute, type Intent } from './execute.ts';
import { ok } from './result.ts';

const ref = refOf(AGENTGATEWAY_BACKEND, 'default', 'demo');
const options = () => ({
  actor: { user: 'anonymous', via: 'test' },
  requestId: 'r',
  now: '2026-11-22T10:20:30.000Z',
  newId: randomUUID,
  dryRun: false,
});

const backend = (port: number, name = 'demo', namespace = 'default'): KubernetesObject => ({
  apiVersion: 'agentgateway.dev/v1alpha1',
  kind: 'AgentgatewayBackend',
  metadata: { name, namespace },
  spec: { static: { host: 'localhost', port } },
});

const creation = (port: number): Intent<never> => ({
  ref,
  command: () => ok({ type: 'create', kind: AGENTGATEWAY_BACKEND, object: backend(port) }),
});
const replacement = (port: number): Intent<never> => ({
  ref,
  command: () => ok({ type: 'replace', kind: AGENTGATEWAY_BACKEND, object: backend(port) }),
});
const namespaceRef = (name: string) => refOf(NAMESPACE, '', name);
const namespaceCreation = (name: string): Intent<never> => ({
  ref: namespaceRef(name),
  command: () =>
    ok({ type: 'create', kind: NAMESPACE, object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } }),
});
const namespaceDeletion = (name: string): Intent<never> => ({
  ref: namespaceRef(name),
  command: () => ok({ type: 'delete', kind: NAMESPACE, ref: namespaceRef(name), preconditions: {} }),
});

async function freshLog(): Promise<EventLog> {
  const log = createMemoryEventLog();
  await bootstrap(log, options());
  return log;
}

/** A log in which something happens just before the first append that matters. */
function interrupted(log: EventLog, interruption: () => Promise<unknown>): EventLog {
  let pending = true;
  return wrapEventLog(log, {
    append: async (append) => {
      if (pending) {
        pending = false;
        await interruption();
      }
      return log.append(append);
    },
  });
}

test('the namespace default and our class are created once, and again when they are missing', async () => {
  const log = await freshLog();
  await bootstrap(log, options());
  assert.equal(log.head(), 2);
  assert.equal(log.object(namespaceRef('default'))?.version, 1);
  const gatewayClass = { group: GATEWAY_CLASS.group, kind: GATEWAY_CLASS.kind, namespace: '', name: 'agentgateway' };
  assert.deepEqual(log.object(gatewayClass)?.object.spec, { controllerName: 'agentgateway.dev/agentgateway' });
  const command: Command = { type: 'delete', kind: GATEWAY_CLASS, ref: gatewayClass, preconditions: {} };
  assert.ok((await execute(log, { ref: gatewayClass, command: () => ok(command) }, options())).ok);
  await bootstrap(log, options());
  assert.equal(log.object(gatewayClass)?.version, 4);
});

test('a write answers with the version of its event', async () => {
  const log = await freshLog();
  const created = await execute(log, creation(1), options());
  assert.ok(created.ok);
  assert.equal(created.value.stored.version, 3);
  assert.deepEqual(created.value.stored, log.object(ref));
});

test('a write that changes nothing keeps the version', async () => {
  const log = await freshLog();
  await execute(log, creation(1), options());
  const again = await execute(log, replacement(1), options());
  assert.ok(again.ok);
  assert.equal(again.value.stored.version, 3);
  assert.deepEqual(again.value.stored, log.object(ref));
  assert.equal(log.head(), 3);
});

test('a dry run decides and appends nothing', async () => {
  const log = await freshLog();
  const created = await execute(log, creation(1), { ...options(), dryRun: true });
  assert.ok(created.ok);
  assert.equal(created.value.stored.version, 0);
  assert.equal(log.head(), 2);
});

test('a write that loses a race is decided again', async () => {
  const log = await freshLog();
  await execute(log, creation(1), options());
  const raced = interrupted(log, () => execute(log, replacement(2), options()));
  const outcome = await execute(raced, replacement(3), options());
  assert.ok(outcome.ok);
  assert.equal(outcome.value.stored.version, 5);
  assert.equal(outcome.value.stored.object.metadata.generation, 3);
});

test('two creations at once: one wins, the other hears that the object exists', async () => {
  const log = await freshLog();
  const results = await Promise.all([execute(log, creation(1), options()), execute(log, creation(2), options())]);
  assert.deepEqual(
    results.map((result) => (result.ok ? 'created' : result.error.type)),
    ['created', 'alreadyExists'],
  );
});

test('an object cannot be created into a namespace that goes away meanwhile', async () => {
  const log = await freshLog();
  await execute(log, namespaceCreation('a'), options());
  const raced = interrupted(log, () => execute(log, namespaceDeletion('a'), options()));
  const inA = refOf(AGENTGATEWAY_BACKEND, 'a', 'demo');
  const outcome = await execute(
    raced,
    {
      ref: inA,
      command: () => ok({ type: 'create', kind: AGENTGATEWAY_BACKEND, object: backend(1, 'demo', 'a') }),
    } satisfies Intent<never>,
    options(),
  );
  assert.deepEqual(outcome, { ok: false, error: { type: 'namespaceNotFound', namespace: 'a' } });
});

test('deleting a namespace leaves nothing in it, not even what was created meanwhile', async () => {
  const log = await freshLog();
  await execute(log, namespaceCreation('a'), options());
  const inA = (name: string): Intent<never> => ({
    ref: refOf(AGENTGATEWAY_BACKEND, 'a', name),
    command: () => ok({ type: 'create', kind: AGENTGATEWAY_BACKEND, object: backend(1, name, 'a') }),
  });
  await execute(log, inA('early'), options());
  const raced = interrupted(log, () => execute(log, inA('late'), options()));
  assert.ok((await execute(raced, namespaceDeletion('a'), options())).ok);
  assert.deepEqual(log.objects({ namespace: 'a' }), []);
  assert.equal(log.object(namespaceRef('a')), undefined);
});

test('of many who change one object at once, each gets its turn', async () => {
  const log = await freshLog();
  await execute(log, creation(1), options());
  const labelling = (label: string): Intent<never> => ({
    ref,
    command: (current) => {
      const { metadata, ...object } = current?.object ?? backend(1);
      const labels = { ...metadata.labels, [label]: 'x' };
      return ok({
        type: 'replace',
        kind: AGENTGATEWAY_BACKEND,
        object: { ...object, metadata: { ...metadata, labels } },
      });
    },
  });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, index) => execute(log, labelling(`l${index}`), options())),
  );
  assert.ok(outcomes.every((outcome) => outcome.ok));
  assert.equal(Object.keys(log.object(ref)?.object.metadata.labels ?? {}).length, 100);
});

test('a writer that always loses gives up', async () => {
  const log = await freshLog();
  const losing: EventLog = {
    ...interrupted(log, async () => undefined),
    append: async () => ({ kind: 'conflict', ref, expected: 0, actual: 1 }),
  };
  const outcome = await execute(losing, creation(1), options());
  assert.equal(outcome.ok ? 'ok' : outcome.error.type, 'modified');
});
