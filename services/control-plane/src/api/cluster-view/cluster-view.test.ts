import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createFixture, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { listen } from '../testing/stream-client.ts';
import { watch } from '../testing/watch-client.ts';
import { ClusterView } from './cluster-view.ts';
import type { Worker } from './worker-objects.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
const PODS = '/api/v1/pods';
const DEPLOYMENTS = '/apis/apps/v1/deployments';

function worker(id: string, more: Partial<Worker> & { readonly namespace?: string } = {}): Worker {
  const { namespace, ...rest } = more;
  const gateway = rest.gateway ?? { namespace: 'httpbin', name: 'agentgateway-proxy' };
  return {
    node: { id, role: `${gateway.namespace}~${gateway.name}`, ...(namespace !== undefined && { namespace }) },
    peer: '127.0.0.1:4711',
    since: new Date(START),
    configured: true,
    gateway,
    ...rest,
  };
}

/** An API over a fleet that the test changes. */
async function setUp(context: TestContext) {
  let workers: readonly Worker[] = [];
  let changed = (): void => undefined;
  const clusterView = new ClusterView({
    workers: () => workers,
    onWorkers: (listener) => {
      changed = listener;
      return () => undefined;
    },
    now: () => new Date(START),
  });
  const fixture = await createFixture({ clusterView });
  context.after(() => fixture.app.close());
  return {
    ...fixture,
    clusterView,
    connect: (...now: readonly Worker[]) => {
      workers = now;
      changed();
    },
    get: async (url: string, headers: Record<string, string> = {}) =>
      (await fixture.send('GET', url, undefined, headers)).json(),
  };
}

test('workers are Pods of a Deployment that has the name of their gateway', async (context) => {
  const { connect, get } = await setUp(context);
  connect(
    worker('one'),
    worker('two', { configured: false }),
    worker('far', { namespace: 'edge', gateway: { namespace: 'httpbin', name: 'other' } }),
  );
  const table = await get(PODS, TABLE);
  assert.deepEqual(table.columnDefinitions.filter(({ priority }: { priority: number }) => priority === 0).map(nameOf), [
    'Name',
    'Ready',
    'Status',
    'Restarts',
    'Age',
  ]);
  assert.deepEqual(
    table.rows.map(({ cells, object }: { cells: readonly unknown[]; object: { metadata: { namespace: string } } }) =>
      [object.metadata.namespace, ...cells.slice(0, 4)].join(' '),
    ),
    ['agentgateway-system one 1/1 Running 0', 'agentgateway-system two 0/1 Running 0', 'edge far 1/1 Running 0'],
  );
  const [proxy] = (await get('/apis/apps/v1/namespaces/agentgateway-system/deployments')).items;
  assert.equal(proxy.metadata.name, 'agentgateway-proxy');
  const { replicas, readyReplicas, unavailableReplicas } = proxy.status;
  assert.deepEqual([replicas, readyReplicas, unavailableReplicas], [2, 1, 1]);
  const [[label, value]] = Object.entries(proxy.spec.selector.matchLabels) as [[string, string]];
  const selected = await get(`${PODS}?labelSelector=${encodeURIComponent(`${label}=${value}`)}`);
  assert.deepEqual(
    selected.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    ['one', 'two'],
  );
  assert.equal((await get(`${PODS}?fieldSelector=metadata.name%3Dfar`)).items.length, 1);
  assert.equal((await get('/api/v1/namespaces/edge/pods/far')).kind, 'Pod');
  assert.equal((await get('/api/v1/namespaces/edge/pods/none')).code, 404);
});

test('whatever a node calls itself, its Pod has a name that DNS allows, always the same, and its own', async (context) => {
  const { connect, get } = await setUp(context);
  const ids = ['agentgateway~10.0.0.1~pod.ns~x', 'agentgateway~10.0.0.1~pod.ns~X', '-', 'Ä', 'x'.repeat(400), '../..'];
  const names = async (): Promise<readonly string[]> => (await get(PODS)).items.map(nameOf);
  connect(...ids.map((id) => worker(id, { namespace: '../etc' })));
  const first = await names();
  assert.equal(new Set(first).size, ids.length, first.join(' '));
  for (const name of first) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  assert.equal((await get('/api/v1/namespaces/agentgateway-system/pods')).items.length, ids.length);
  connect();
  assert.deepEqual(await names(), []);
  connect(...ids.map((id) => worker(id, { since: new Date(START + 60_000) })));
  assert.deepEqual(await names(), first);
});

test('a watch tells what comes, changes and goes, and begins after a version', async (context) => {
  const { app, connect, get } = await setUp(context);
  const url = await listen(app);
  connect(worker('one', { configured: false }));
  const { resourceVersion } = (await get(PODS)).metadata;
  const fromNothing = await watch(`${url}${PODS}?watch=1`);
  const later = await watch(`${url}${PODS}?watch=1&resourceVersion=${resourceVersion}`);
  const named = await watch(`${url}${DEPLOYMENTS}?watch=1&fieldSelector=metadata.name%3Dagentgateway-proxy`);
  const kinds = (lines: readonly string[]) => lines.map((line) => line.replace(/@.*/, ''));
  assert.deepEqual(kinds(await fromNothing.take(1)), ['ADDED one']);
  assert.deepEqual(kinds(await named.take(1)), ['ADDED agentgateway-proxy']);
  connect(worker('one'));
  for (const seen of [fromNothing, later]) assert.deepEqual(kinds(await seen.take(1)), ['MODIFIED one']);
  assert.deepEqual(kinds(await named.take(1)), ['MODIFIED agentgateway-proxy']);
  // The same node connects anew: another Pod of the same name.
  connect(worker('one', { since: new Date(START + 1_000) }));
  for (const seen of [fromNothing, later]) assert.deepEqual(kinds(await seen.take(2)), ['DELETED one', 'ADDED one']);
  connect();
  assert.deepEqual(kinds(await later.take(1)), ['DELETED one']);
  assert.deepEqual(kinds(await named.take(1)), ['DELETED agentgateway-proxy']);
  for (const seen of [fromNothing, later, named]) seen.leave();
});

test('versions of another process, and those that are not kept any more, are answered with 410', async (context) => {
  const { app, connect, clusterView } = await setUp(context);
  const url = await listen(app);
  const early = clusterView.version();
  const expect410 = async (version: number): Promise<void> => {
    const [line] = await (await watch(`${url}${PODS}?watch=1&resourceVersion=${version}`)).rest();
    assert.match(line ?? '', /^ERROR 410 /);
  };
  await expect410(early - 1);
  await expect410(early + 1);
  for (let round = 0; round < 400; round += 1) {
    connect(...(round % 2 === 0 ? [worker('one'), worker('two')] : []));
    clusterView.version();
  }
  await expect410(early);
});

test('nothing of it can be written: 405 says why', async (context) => {
  const { connect, send } = await setUp(context);
  connect(worker('one'));
  for (const [method, url] of [
    ['POST', '/api/v1/namespaces/agentgateway-system/pods'],
    ['DELETE', '/api/v1/namespaces/agentgateway-system/pods/one'],
    ['PATCH', '/apis/apps/v1/namespaces/agentgateway-system/deployments/agentgateway-proxy'],
    ['PUT', '/apis/apps/v1/namespaces/agentgateway-system/deployments/agentgateway-proxy'],
  ] as const) {
    const answer = await send(method, url, {});
    assert.equal(answer.statusCode, 405, `${method} ${url}`);
    assert.match(answer.json().message, /read-only: they show the workers that are connected/);
  }
  for (const [method, url] of [
    ['GET', '/api/v1/namespaces/agentgateway-system/pods/one/exec?command=ls'],
    ['POST', '/api/v1/namespaces/agentgateway-system/pods/one/eviction'],
    ['PATCH', '/apis/apps/v1/namespaces/agentgateway-system/deployments/agentgateway-proxy/scale'],
  ] as const) {
    const answer = await send(method, url);
    assert.equal(answer.statusCode, 405, `${method} ${url}`);
    assert.match(answer.json().message, /^(pods\/exec|pods\/eviction|deployments\/scale) is not served: .* read-only/);
  }
});

test('a log that cannot be given is refused with the reason', async (context) => {
  const { connect, get } = await setUp(context);
  connect(worker('one'));
  const log = async (name: string, query: string): Promise<string> => {
    const { code, message } = await get(`/api/v1/namespaces/agentgateway-system/pods/${name}/log?${query}`);
    return `${code} ${message}`;
  };
  assert.equal(await log('none', ''), '404 pods "none" not found');
  assert.equal(await log('one', ''), '503 the worker one cannot be reached: nobody is connected');
  for (const [query, reason] of [
    ['container=x', 'container x is not valid for pod one'],
    ['previous=true', 'previous terminated container "agentgateway" in pod "one" not found'],
    ['tailLines=-1', 'tailLines: Invalid value: "-1": must be a number'],
    ['sinceTime=noon', 'sinceTime: Invalid value: "noon": must be a time as in RFC 3339'],
    ['sinceTime=2026-11-22T10:00:00Z&sinceSeconds=5', 'sinceTime: may not be given together with sinceSeconds'],
  ] as const) {
    assert.equal(await log('one', query), `400 ${reason}`);
  }
});

test('the namespace of workers is like any other: objects can be created in it, and it stays while workers are in it', async (context) => {
  const { connect, get, send, log } = await setUp(context);
  const url = '/api/v1/namespaces/agentgateway-system';
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'agentgateway-system' } };
  const policies = POLICIES.replace('httpbin', 'agentgateway-system');
  const policy = { ...TCP_POLICY, metadata: { name: 'a' } };
  assert.equal((await send('POST', policies, policy)).statusCode, 404);
  connect(worker('one'));
  const head = log.head();
  assert.equal((await send('POST', '/api/v1/namespaces', namespace)).json().reason, 'AlreadyExists');
  assert.equal((await send('POST', `${policies}?dryRun=All`, policy)).statusCode, 201);
  assert.equal(log.head(), head);
  const created = await send('POST', policies, policy, { 'idempotency-key': 'a' });
  assert.equal(created.statusCode, 201, created.body);
  assert.equal((await send('POST', policies, policy, { 'idempotency-key': 'a' })).body, created.body);
  assert.deepEqual(
    log.read({ from: head + 1, limit: 9 }).map(({ type, subject }) => `${type} ${subject.kind} ${subject.name}`),
    ['Created Namespace agentgateway-system', 'Created AgentgatewayPolicy a'],
  );
  assert.match((await get(url)).metadata.uid, /^[0-9a-f-]{36}$/);
  const refused = await send('DELETE', url);
  assert.deepEqual([refused.statusCode, refused.json().reason], [403, 'Forbidden']);
  assert.match(refused.json().message, /: this namespace may not be deleted while workers are in it$/);
  connect();
  assert.equal((await send('DELETE', url)).statusCode, 200);
  assert.equal((await send('GET', url)).statusCode, 404);
});

test('the namespace of workers is seen, and becomes a real one when somebody creates or applies it', async (context) => {
  const { connect, get, send, log } = await setUp(context);
  const head = log.head();
  const names = async (): Promise<readonly string[]> => (await get('/api/v1/namespaces')).items.map(nameOf);
  assert.deepEqual(await names(), ['default', 'httpbin']);
  connect(worker('one'));
  assert.deepEqual(await names(), ['agentgateway-system', 'default', 'httpbin']);
  assert.equal((await get('/api/v1/namespaces/agentgateway-system')).status.phase, 'Active');
  const [paged, rest] = [await get('/api/v1/namespaces?limit=1'), await get('/api/v1/namespaces?limit=2')];
  const more = await get(`/api/v1/namespaces?limit=5&continue=${encodeURIComponent(paged.metadata.continue)}`);
  assert.deepEqual([...paged.items, ...more.items].map(nameOf), ['agentgateway-system', 'default', 'httpbin']);
  assert.deepEqual(rest.items.map(nameOf), ['agentgateway-system', 'default']);
  assert.equal(log.head(), head);
  const merge = { 'content-type': 'application/merge-patch+json' };
  const body = { metadata: { labels: { a: 'b' } } };
  assert.equal((await send('PATCH', '/api/v1/namespaces/nowhere', body, merge)).statusCode, 404);
  const applied = await send('PATCH', '/api/v1/namespaces/agentgateway-system', body, merge);
  assert.equal(applied.statusCode, 200, applied.body);
  assert.equal(log.head(), head + 1);
  connect();
  assert.equal((await get('/api/v1/namespaces/agentgateway-system')).metadata.labels.a, 'b');
  assert.equal((await names()).filter((name) => name === 'agentgateway-system').length, 1);
});

function nameOf(value: { readonly name?: string; readonly metadata?: { readonly name: string } }): string {
  return value.name ?? value.metadata?.name ?? '';
}
