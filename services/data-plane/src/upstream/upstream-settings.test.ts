import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { GatewayResource, HttpRoute } from '@pulseplane/projection/gateway';
import { fullBackend } from '../testing/full-backend.ts';
import {
  backendPolicy,
  createWorld,
  GATEWAY,
  portResources,
  rawClient,
  tcpPolicy,
  until,
  type World,
} from '../testing/world.ts';

const run = promisify(execFile);
const DEFAULT = { enabled: true, idleSeconds: 180, intervalSeconds: 180, probes: 9, userTimeoutMs: 0 };
const AFTER_30 = { section: 'tcp', keepalive: { timeMs: 30_000, intervalMs: 5_000, retries: 3 } } as const;
const SET = { enabled: true, idleSeconds: 30, intervalSeconds: 5, probes: 3, userTimeoutMs: 0 };
const GATEWAY_KEY = 'backend/httpbin/upstream-settings:backend-tcp';
let world: World;

before(async () => {
  world = await createWorld({
    onRequest(incoming, response) {
      if (incoming.url === '/never') return;
      if (incoming.url !== '/open') return void response.end('hello\n');
      response.write('begun');
    },
  });
});

after(() => world.stop());

test('a connection to a backend has keepalive; a policy reaches it while it is used, and its end gives the default back', async () => {
  const open = request({ port: world.httpPort, path: '/open', agent: false }).end();
  const [answer] = await once(open, 'response');
  answer.resume().on('error', () => undefined);
  const raw = await rawClient(world.tcpPort);
  await until(async () => (await world.upstreams()).filter(({ requests }) => requests === 1).length === 2);
  const busy = async () => (await world.upstreams()).filter(({ requests }) => requests === 1);
  const former = await busy();
  assert.deepEqual(former.map(({ protocol }) => protocol).sort(), ['http1', 'tcp']);
  assert.deepEqual(
    former.map(({ keepalive }) => keepalive),
    [DEFAULT, DEFAULT],
  );
  assert.ok(former.every(({ policy }) => policy.tcp === null && policy.http === null));

  const policy = backendPolicy(AFTER_30);
  assert.deepEqual(world.apply(policy), []);
  await until(async () => (await busy()).every(({ keepalive }) => keepalive.idleSeconds === 30));
  const set = await busy();
  assert.deepEqual(
    set.map(({ local }) => local),
    former.map(({ local }) => local),
  );
  assert.deepEqual(
    set.map(({ keepalive }) => keepalive),
    [SET, SET],
  );
  assert.ok(set.every(({ policy: { tcp } }) => tcp === GATEWAY_KEY));
  for (const port of [world.upstreamPorts.http, world.upstreamPorts.tcp]) {
    const { stdout } = await run('ss', ['-Htno', 'state', 'established', `( dport = :${port} )`]);
    assert.match(stdout, /timer:\(keepalive,(2\d|30)\S*sec,0\)/);
  }

  world.remove(policy);
  await until(async () => (await busy()).every(({ keepalive }) => keepalive.idleSeconds === 180));
  assert.deepEqual(
    (await busy()).map(({ keepalive }) => keepalive),
    [DEFAULT, DEFAULT],
  );
  open.destroy();
  raw.socket.destroy();
  await until(async () => (await busy()).length === 0);
});

test('frontend and backend policies do not touch each other', async () => {
  const raw = await rawClient(world.tcpPort);
  world.apply(tcpPolicy({ timeMs: 60_000 }), backendPolicy(AFTER_30));
  await until(async () => (await world.connections())[0]?.keepalive.idleSeconds === 60);
  await until(async () => (await world.upstreams()).some(({ keepalive }) => keepalive.idleSeconds === 30));
  const [upstream] = (await world.upstreams()).filter(({ protocol }) => protocol === 'tcp');
  assert.equal(upstream?.keepalive.probes, 3);
  assert.equal((await world.connections())[0]?.keepalive.probes, 9);
  world.remove(tcpPolicy({}), backendPolicy(AFTER_30));
  raw.socket.destroy();
});

test('what the backend itself sets wins over a policy on the gateway, as a whole section', async () => {
  const inline = withInline(portResources('tcp', world.tcpPort, world.upstreamPorts.tcp), [
    { section: 'tcp', connectTimeoutMs: 500 },
  ]);
  world.apply(backendPolicy(AFTER_30), ...inline);
  const raw = await rawClient(world.tcpPort);
  await until(async () => (await world.upstreams()).some(({ protocol }) => protocol === 'tcp'));
  const [upstream] = (await world.upstreams()).filter(({ protocol }) => protocol === 'tcp');
  assert.deepEqual(upstream?.keepalive, DEFAULT);
  assert.equal(upstream?.policy.tcp, 'inline/httpbin/tcp-upstream');
  const dump = (await (await world.admin('/config_dump')).json()) as Dump;
  assert.deepEqual(
    dump.backends.flatMap(({ inlinePolicies = [] }) => inlinePolicies),
    [{ tcp: { keepalives: { enabled: true, time: '3m0s', interval: '3m0s', retries: 9 }, connectTimeout: '500ms' } }],
  );
  raw.socket.destroy();
  world.remove(backendPolicy(AFTER_30));
  world.apply(...portResources('tcp', world.tcpPort, world.upstreamPorts.tcp));
});

test('paths with the same settings share connections to a backend, paths with others do not', async () => {
  const [, , , base] = portResources('http', world.httpPort, world.upstreamPorts.http);
  const route = base as HttpRoute;
  const other = (name: string): HttpRoute => ({
    ...route,
    key: `httpbin/${name}`,
    name: { ...route.name, name },
    matches: [{ path: { type: 'prefix', value: `/${name}` }, headers: [] }],
  });
  const onA = backendPolicy(AFTER_30, { route: { kind: 'HTTPRoute', namespace: GATEWAY.namespace, name: 'a' } });
  world.apply(other('a'), other('b'));
  for (const path of ['/a', '/b', '/a']) await (await fetch(`http://127.0.0.1:${world.httpPort}${path}`)).text();
  const shared = await world.upstreams();
  assert.deepEqual(
    shared.map(({ route, keepalive }) => [route, keepalive.idleSeconds]),
    [['HTTPRoute httpbin/a', 180]],
  );

  world.apply(onA);
  // It was used by that route last, so it is the route's, and follows it.
  await until(async () => (await world.upstreams())[0]?.keepalive.idleSeconds === 30);
  for (const path of ['/b', '/a', '/b']) await (await fetch(`http://127.0.0.1:${world.httpPort}${path}`)).text();
  const apart = await world.upstreams();
  assert.deepEqual(
    apart.map(({ route, keepalive, policy }) => [route, keepalive.idleSeconds, policy.tcp]),
    [
      ['HTTPRoute httpbin/a', 30, GATEWAY_KEY],
      ['HTTPRoute httpbin/b', 180, null],
    ],
  );
  const metrics = await world.metrics();
  assert.match(metrics, /pulseplane_upstream_connections_open\{backend="httpbin\/http-upstream",protocol="http1"\} 2/);
  world.remove(onA, other('a'), other('b'));
});

test('a backend that does not answer within requestTimeout is a 504 that says so', async () => {
  const policy = backendPolicy({ section: 'http', requestTimeoutMs: 200 });
  world.apply(policy);
  const start = performance.now();
  const response = await fetch(`http://127.0.0.1:${world.httpPort}/never`);
  const took = performance.now() - start;
  assert.equal(response.status, 504);
  assert.equal(await response.text(), 'upstream timeout: no answer in 200 ms\n');
  assert.ok(took >= 195 && took < 900, `${took} ms`);
  assert.match(
    await world.metrics(),
    /pulseplane_upstream_timeouts_total\{backend="httpbin\/http-upstream",kind="request"\} 1/,
  );
  // An answer that has begun may last.
  const open = request({ port: world.httpPort, path: '/open', agent: false }).end();
  const [answer] = await once(open, 'response');
  answer.resume().on('error', () => undefined);
  await sleep(400);
  assert.equal(answer.destroyed, false);
  open.destroy();
  world.remove(policy);
});

test('a backend that takes no connection within connectTimeout is a 504, and closes a raw connection', async (t) => {
  const full = await fullBackend();
  t.after(() => full.stop());
  const http = portResources('http', world.httpPort, full.port);
  const tcp = portResources('tcp', world.tcpPort, full.port);
  const policy = backendPolicy({ section: 'tcp', connectTimeoutMs: 300 });
  world.apply(...http, ...tcp, policy);
  const start = performance.now();
  const raw = await rawClient(world.tcpPort);
  const response = await fetch(`http://127.0.0.1:${world.httpPort}/`);
  assert.equal(`${response.status} ${await response.text()}`, '504 upstream timeout: no connection in 300 ms\n');
  await until(() => raw.closed());
  const took = performance.now() - start;
  assert.ok(took >= 295 && took < 1_500, `${took} ms`);
  const metrics = await world.metrics();
  assert.match(metrics, /pulseplane_upstream_timeouts_total\{backend="httpbin\/http-upstream",kind="connect"\} 1/);
  assert.match(metrics, /pulseplane_upstream_timeouts_total\{backend="httpbin\/tcp-upstream",kind="connect"\} 1/);
  world.remove(policy);
  world.apply(...portResources('http', world.httpPort, world.upstreamPorts.http));
  world.apply(...portResources('tcp', world.tcpPort, world.upstreamPorts.tcp));
});

test('version HTTP2: many requests at once on one session, bodies and trailers both ways, and a live policy', async (t) => {
  const seen: { readonly authority: string; readonly session: unknown }[] = [];
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    seen.push({ authority: String(headers[':authority']), session: stream.session });
    stream.on('error', () => undefined);
    if (headers[':path'] === '/never') return;
    stream.respond({ ':status': 200, 'x-te': String(headers['te']) }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const policies = [
    backendPolicy({ section: 'http', version: 'http2', requestTimeoutMs: 500 }),
    backendPolicy(AFTER_30),
  ];
  world.apply(...portResources('http', world.httpPort, (server.address() as AddressInfo).port), ...policies);

  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const ask = async (body: string) => {
    const stream = client.request({ ':method': 'POST', ':path': '/', ':authority': 'a.example', te: 'trailers' });
    stream.end(body);
    const response = once(stream, 'response');
    const trailers = once(stream, 'trailers');
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return [text.length, (await response)[0]['x-te'], (await trailers)[0]['grpc-status']];
  };
  const answers = await Promise.all([10, 100_000, 1_000_000].map((size) => ask('x'.repeat(size))));
  assert.deepEqual(answers, [
    [10, 'trailers', '0'],
    [100_000, 'trailers', '0'],
    [1_000_000, 'trailers', '0'],
  ]);
  assert.equal(new Set(seen.map(({ session }) => session)).size, 1);
  assert.deepEqual([...new Set(seen.map(({ authority }) => authority))], ['a.example']);
  const sessions = async () => (await world.upstreams()).filter(({ protocol }) => protocol === 'http2');
  assert.deepEqual(
    (await sessions()).map(({ keepalive }) => keepalive),
    [SET],
  );

  const plain = await fetch(`http://127.0.0.1:${world.httpPort}/`, { method: 'POST', body: 'from HTTP/1.1' });
  assert.equal(await plain.text(), 'from HTTP/1.1');
  const never = await fetch(`http://127.0.0.1:${world.httpPort}/never`);
  assert.equal(`${never.status} ${await never.text()}`, '504 upstream timeout: no answer in 500 ms\n');
  assert.equal((await sessions()).length, 1);

  world.apply(backendPolicy({ ...AFTER_30, keepalive: { timeMs: 60_000 } }));
  await until(async () => (await sessions())[0]?.keepalive.idleSeconds === 60);
  client.destroy();
  world.remove(...policies);
  world.apply(...portResources('http', world.httpPort, world.upstreamPorts.http));
  // The address is no longer that of a backend.
  await until(async () => (await sessions()).length === 0);
});

test('a backend that does not speak HTTP/2 is a 503', async () => {
  const policy = backendPolicy({ section: 'http', version: 'http2' });
  world.apply(policy);
  const response = await fetch(`http://127.0.0.1:${world.httpPort}/`);
  assert.equal(`${response.status} ${await response.text()}`, '503 upstream unreachable\n');
  world.remove(policy);
  assert.equal((await fetch(`http://127.0.0.1:${world.httpPort}/`)).status, 200);
});

test('the dump shows backend policies as agentgateway does', async () => {
  const policies = [
    backendPolicy(AFTER_30, { backend: { namespace: 'httpbin', name: 'http-upstream' } }),
    backendPolicy(
      { section: 'http', version: 'http2', requestTimeoutMs: 1_500 },
      { gateway: GATEWAY, listener: 'http' },
    ),
  ];
  world.apply(...policies);
  const dump = (await (await world.admin('/config_dump')).json()) as Dump;
  assert.deepEqual(
    dump.policies.map(({ target, policy }) => [target, policy]),
    [
      [
        {
          gateway: { gatewayName: GATEWAY.name, gatewayNamespace: GATEWAY.namespace, listenerName: 'http' },
        },
        { backend: { http: { version: 'HTTP2', requestTimeout: '1.5s' } } },
      ],
      [
        { backend: { backend: { name: 'http-upstream', namespace: 'httpbin' } } },
        {
          backend: {
            tcp: { keepalives: { enabled: true, time: '30s', interval: '5s', retries: 3 }, connectTimeout: '10s' },
          },
        },
      ],
    ],
  );
  world.remove(...policies);
});

type Dump = {
  readonly backends: readonly { readonly inlinePolicies?: readonly object[] }[];
  readonly policies: readonly { readonly target: object; readonly policy: object }[];
};

type Backend = Extract<GatewayResource, { kind: 'backend' }>;

function withInline(
  resources: readonly GatewayResource[],
  inlinePolicies: Backend['inlinePolicies'],
): readonly GatewayResource[] {
  return resources.map((resource) => (resource.kind === 'backend' ? { ...resource, inlinePolicies } : resource));
}
