import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { eventually, type RunningSystem, startSystem } from '../system/running-system.ts';

const POLICIES = '/apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';

function policy(name: string, idleSeconds: number): object {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name, namespace: 'httpbin' },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
      frontend: { tcp: { keepalive: { time: `${idleSeconds}s`, interval: '5s', retries: 3 } } },
    },
  };
}

async function rest(system: RunningSystem, method: string, path: string, body?: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${system.ports.rest}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function policyNames(system: RunningSystem): Promise<readonly string[]> {
  const response = await rest(system, 'GET', POLICIES);
  assert.equal(response.status, 200);
  const list = (await response.json()) as { items: readonly { metadata: { name: string } }[] };
  return list.items.map(({ metadata }) => metadata.name);
}

type Keepalive = { readonly enabled: boolean; readonly idleSeconds: number };
type Connection = { readonly local: string; readonly keepalive: Keepalive };

async function connections(system: RunningSystem): Promise<readonly Connection[]> {
  const response = await fetch(`http://127.0.0.1:${system.ports.admin}/connections`);
  return ((await response.json()) as { readonly connections: readonly Connection[] }).connections;
}

async function proxied(system: RunningSystem): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${system.ports.http}/headers`);
  assert.equal(response.status, 200);
  await response.arrayBuffer();
}

test('a stop and a start lose nothing, and the first-start examples are not loaded again', async () => {
  const first = await startSystem();
  const { dataDir } = first;
  const created = await rest(first, 'POST', POLICIES, policy('kept', 40));
  assert.equal(created.status, 201, await created.clone().text());
  const before = await created.json();
  const gone = await rest(
    first,
    'DELETE',
    '/apis/gateway.networking.k8s.io/v1alpha2/namespaces/httpbin/tcproutes/httpbin-tcp',
  );
  assert.equal(gone.status, 200);
  assert.equal(await first.interrupt(), 0);

  await using second = await startSystem({ dataDir, ports: first.ports });
  const after = await (await rest(second, 'GET', `${POLICIES}/kept`)).json();
  const { status: _, ...stored } = after as { status: unknown };
  const { status: __, ...expected } = before as { status: unknown };
  assert.deepEqual(stored, expected);
  const route = await rest(
    second,
    'GET',
    '/apis/gateway.networking.k8s.io/v1alpha2/namespaces/httpbin/tcproutes/httpbin-tcp',
  );
  assert.equal(route.status, 404);
});

test('kill -9 of the control plane: what it acknowledged is there, and the worker comes back by itself', async () => {
  await using system = await startSystem();
  const acknowledged: string[] = [];
  let stop = false;
  const writer = (async () => {
    for (let index = 0; !stop; index += 1) {
      const name = `p${index}`;
      const response = await rest(system, 'POST', POLICIES, policy(name, 30)).catch(() => undefined);
      if (response?.status === 201) acknowledged.push(name);
      if (response === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  for (let round = 0; round < 3; round += 1) {
    await eventually(() => assert(acknowledged.length > round * 5 + 5, `${acknowledged.length} acknowledged`));
    process.kill(system.pid('control-plane'), 'SIGKILL');
    // With the control plane down the worker goes on.
    await proxied(system);
    await eventually(() => assert.equal(system.output().match(/control-plane died \(SIGKILL\)/g)?.length, round + 1));
    await eventually(async () => assert.equal((await rest(system, 'GET', '/readyz')).status, 200), 20_000);
  }
  stop = true;
  await writer;
  const names = new Set(await policyNames(system));
  for (const name of acknowledged) assert(names.has(name), `${name} was acknowledged and is lost`);

  // Only a worker that has come back can hear of a port target that did not exist before the kills.
  const late = policy('a-late-one', 77) as { spec: { targetRefs: { port?: number }[] } };
  late.spec.targetRefs = late.spec.targetRefs.map((target) => ({ ...target, port: system.ports.tcp }));
  assert.equal((await rest(system, 'POST', POLICIES, late)).status, 201);
  await eventually(async () => {
    const dump = await (await fetch(`http://127.0.0.1:${system.ports.admin}/config_dump`)).text();
    assert.match(dump, /a-late-one:frontend-tcp:httpbin\/agentgateway-proxy\/port=/);
  }, 20_000);
});

test('kill -9 of the worker: it is started again, configured again, and enforces again', async () => {
  await using system = await startSystem();
  assert.equal((await rest(system, 'POST', POLICIES, policy('enforced', 33))).status, 201);
  process.kill(system.pid('data-plane'), 'SIGKILL');
  await eventually(() => assert.match(system.output(), /data-plane died \(SIGKILL\); starting it again in 0.5 s/));
  await eventually(() => proxied(system), 20_000);
  const socket = connect(system.ports.tcp, '127.0.0.1');
  socket.on('error', () => {});
  await eventually(async () => {
    const open = await connections(system);
    assert(
      open.some(({ keepalive }) => keepalive.enabled && keepalive.idleSeconds === 33),
      JSON.stringify(open),
    );
  }, 20_000);
  socket.destroy();
});

test('a new, a changed and a deleted policy each reach a connection that is already open, as a preview says', async () => {
  await using system = await startSystem();
  const socket = connect(system.ports.tcp, '127.0.0.1');
  socket.on('error', () => {});
  const local = `127.0.0.1:${system.ports.tcp}`;
  const idle = (expected: number | 'off'): Promise<void> =>
    eventually(async () => {
      const open = (await connections(system)).filter((connection) => connection.local === local);
      assert.deepEqual(
        open.map(({ keepalive }) => (keepalive.enabled ? keepalive.idleSeconds : 'off')),
        [expected],
      );
    });
  await idle('off');
  await eventually(async () => {
    const previewed = await (await rest(system, 'POST', '/v1/preview', policy('live', 30))).json();
    const { workers, connections } = previewed as { readonly workers: number; readonly connections: number };
    assert.deepEqual({ workers, connections }, { workers: 1, connections: 1 });
  });
  await rest(system, 'POST', POLICIES, policy('live', 30));
  await idle(30);
  await rest(system, 'PUT', `${POLICIES}/live`, await changed(system, 'live', 50));
  await idle(50);
  await rest(system, 'DELETE', `${POLICIES}/live`);
  await idle('off');
  assert.equal(socket.destroyed, false);
  socket.destroy();
});

async function changed(system: RunningSystem, name: string, idleSeconds: number): Promise<object> {
  const current = (await (await rest(system, 'GET', `${POLICIES}/${name}`)).json()) as { metadata: object };
  return { ...policy(name, idleSeconds), metadata: current.metadata };
}
