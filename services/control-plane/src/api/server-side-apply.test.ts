import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFixture, JSON_PATCH, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const APPLY = { 'content-type': 'application/apply-patch+yaml' };

type Entry = { readonly manager: string; readonly operation: string; readonly fieldsV1: object };

const { metadata, ...RULES } = TCP_POLICY;
const CONFIG = { ...RULES, metadata: { name: metadata.name } };

test('an apply in YAML creates, needs a manager, and takes no list of owners', async () => {
  const { send, log } = await createFixture();
  const yaml = `apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: httpbin-keepalive}
spec:
  targetRefs: [{kind: Gateway, name: agentgateway-proxy, group: gateway.networking.k8s.io}]
  frontend: {tcp: {keepalive: {retries: 3}}}
`;
  const unnamed = await send('PATCH', POLICY, yaml, APPLY);
  assert.deepEqual(
    [unnamed.statusCode, unnamed.json().message],
    [422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
  );
  const owned = { ...CONFIG, metadata: { ...CONFIG.metadata, managedFields: [] } };
  const brought = await send('PATCH', `${POLICY}?fieldManager=ci`, owned, APPLY);
  assert.deepEqual([brought.statusCode, brought.json().message], [400, 'metadata.managedFields must be nil']);
  const other = await send('PATCH', `${POLICY}?fieldManager=ci`, { ...CONFIG, kind: 'Gateway' }, APPLY);
  assert.deepEqual(
    [other.statusCode, other.json().message],
    [400, 'invalid object type: agentgateway.dev/v1alpha1, Kind=Gateway'],
  );
  const untyped = await send('PATCH', `${POLICY}?fieldManager=ci`, { ...CONFIG, kind: { toString: 1 } }, APPLY);
  assert.deepEqual(
    [untyped.statusCode, untyped.json().message],
    [400, 'invalid object type: agentgateway.dev/v1alpha1, Kind='],
  );
  const uid = await send('PATCH', `${POLICY}?fieldManager=ci`, { ...CONFIG, metadata: { uid: 'x' } }, APPLY);
  assert.equal(uid.statusCode, 409);
  assert.equal(log.head(), 2);
  const dry = await send('PATCH', `${POLICY}?fieldManager=ci&dryRun=All`, yaml, APPLY);
  assert.equal(dry.statusCode, 201);
  assert.equal(log.head(), 2);
  const created = await send('PATCH', `${POLICY}?fieldManager=ci`, yaml, APPLY);
  assert.equal(created.statusCode, 201, created.body);
  const again = await send('PATCH', `${POLICY}?fieldManager=ci`, yaml, APPLY);
  assert.deepEqual([again.statusCode, again.json().metadata.resourceVersion], [200, '3']);
});

test('a conflict is 409 with a cause for each field; force is for applies only', async () => {
  const { send } = await createFixture();
  await send('POST', POLICIES, TCP_POLICY, { 'user-agent': 'robot/1.0 (x)' });
  const spec = { ...CONFIG.spec, frontend: { tcp: { keepalive: { retries: 4, time: '30s', interval: '9s' } } } };
  const refused = await send('PATCH', `${POLICY}?fieldManager=ci`, { ...CONFIG, spec }, APPLY);
  const { code, reason, details } = refused.json();
  assert.deepEqual([code, reason], [409, 'Conflict']);
  const message = 'conflict with "robot" using agentgateway.dev/v1alpha1';
  assert.deepEqual(details.causes, [
    { reason: 'FieldManagerConflict', message, field: '.spec.frontend.tcp.keepalive.interval' },
    { reason: 'FieldManagerConflict', message, field: '.spec.frontend.tcp.keepalive.retries' },
  ]);
  const merged = await send('PATCH', `${POLICY}?force=true`, { spec }, { 'content-type': MERGE });
  assert.equal(merged.statusCode, 422);
  const forced = await send('PATCH', `${POLICY}?fieldManager=ci&force=true`, { ...CONFIG, spec }, APPLY);
  assert.equal(forced.json().spec.frontend.tcp.keepalive.retries, 4);
  const stale = { ...CONFIG, spec, metadata: { ...CONFIG.metadata, resourceVersion: '3' } };
  assert.equal((await send('PATCH', `${POLICY}?fieldManager=ci&force=true`, stale, APPLY)).statusCode, 409);
});

test('every write keeps owners; a client may hand fields over, and end the tracking', async () => {
  const { send } = await createFixture();
  const owners = async () => {
    const { managedFields = [] } = (await send('GET', POLICY)).json().metadata as { managedFields?: readonly Entry[] };
    return managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
  };
  await send('POST', `${POLICIES}?fieldManager=a`, TCP_POLICY);
  const read = (await send('GET', POLICY)).json();
  await send('PUT', `${POLICY}?fieldManager=b`, {
    ...read,
    spec: { ...read.spec, frontend: { http: { http2KeepaliveInterval: '5s' } } },
  });
  assert.deepEqual(await owners(), ['a Update', 'b Update']);
  await send('PATCH', `${POLICY}?fieldManager=c`, { metadata: { labels: { x: 'y' } } }, { 'content-type': MERGE });
  assert.deepEqual(await owners(), ['a Update', 'b Update', 'c Update']);
  const { managedFields } = (await send('GET', POLICY)).json().metadata;
  const handed = [{ ...managedFields[0], manager: 'kubectl', operation: 'Apply' }, ...managedFields.slice(1)];
  const replace = (value: unknown) => [{ op: 'replace', path: '/metadata/managedFields', value }];
  const patch = { 'content-type': JSON_PATCH };
  assert.equal((await send('PATCH', POLICY, replace(handed), patch)).statusCode, 200);
  assert.deepEqual(await owners(), ['kubectl Apply', 'b Update', 'c Update']);
  const wrong = [{ ...managedFields[0], manager: 'm'.repeat(129) }];
  const refused = await send('PATCH', POLICY, replace(wrong), patch);
  assert.deepEqual(
    [refused.statusCode, refused.json().details.causes.at(-1).field],
    [422, 'metadata.managedFields[0].manager'],
  );
  await send('PATCH', POLICY, replace([]), patch);
  assert.deepEqual(await owners(), ['kubectl Apply', 'b Update', 'c Update']);
  await send('PATCH', POLICY, replace([{}]), patch);
  assert.deepEqual(await owners(), []);
  await send('PATCH', `${POLICY}?fieldManager=d`, { metadata: { labels: { x: 'z' } } }, { 'content-type': MERGE });
  assert.deepEqual(await owners(), []);
  await send('PATCH', `${POLICY}?fieldManager=ci`, { ...CONFIG, spec: undefined }, APPLY);
  assert.deepEqual(await owners(), ['before-first-apply Update']);
});
