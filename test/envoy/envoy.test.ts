import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as http2Connect } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../system/running-system.ts';
import { type Edge, startEdge } from './edge.ts';
import { DRAIN_SECONDS, keepaliveTimers, needsEnvoy, spawnEnvoy } from './envoy-process.ts';
import { startLine } from './line.ts';

const skip = needsEnvoy();
const API_TYPES = ['DELTA_GRPC', 'GRPC'] as const;

for (const apiType of API_TYPES)
  test(`${apiType}: a real Envoy takes the example, carries traffic, and has the keepalive values on its sockets`, {
    skip,
  }, async () => {
    await using edge = await startEdge();
    await using envoy = spawnEnvoy(edge.ports, { apiType });
    await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
    using tcp = await open(edge.ports.tcp);
    tcp.socket.write('GET / HTTP/1.1\r\nhost: raw\r\n\r\n');
    assert.match(String((await once(tcp.socket, 'data'))[0]), /200 OK/);

    within(keepaliveTimers(`sport = :${edge.ports.tcp}`), 30);
    within(keepaliveTimers(`dport = :${edge.ports.upstream}`), 40);
    for (const [kind, name] of [
      ['Gateway', 'edge'],
      ['AgentgatewayPolicy', 'edge-keepalive'],
    ] as const) {
      await eventually(async () => assert.equal((await edge.condition(kind, name, 'Programmed')).status, 'True'));
    }
    assert.equal(await envoy.stat('listener_manager.lds.update_rejected'), 0, envoy.output());
    assert.equal(await envoy.stat('cluster_manager.cds.update_rejected'), 0, envoy.output());
    assert.equal(await envoy.stat('server.dynamic_unknown_fields'), 0);
  });

test('a policy is in force on new connections at once; what is open is drained, and the writer is told', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
  await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
  using former = await open(edge.ports.tcp);
  const ended = once(former.socket, 'end');

  const warnings = await edge.apply(
    withFrontend(edge, { tcp: { keepalive: { time: '90s', interval: '5s', retries: 3 } } }),
  );
  const ports = [edge.ports.http, edge.ports.tcp].sort((a, b) => a - b).join(', ');
  assert.match(warnings.join('\n'), new RegExp(`Gateway default/edge: .* open on port ${ports}, in use or not`));
  await eventually(async () => {
    using fresh = await open(edge.ports.tcp);
    within(keepaliveTimers(`dst 127.0.0.1:${fresh.socket.localPort}`), 90);
  });
  within(keepaliveTimers(`dst 127.0.0.1:${former.socket.localPort}`), 30);
  const at = performance.now();
  await ended;
  assert.ok(performance.now() - at < (DRAIN_SECONDS + 3) * 1_000);
  assert.equal(await envoy.stat('listener_manager.listener_modified'), 2);
});

test('what has nothing to do with a Listener alters no byte of it: open connections stay, and nothing is warned of', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
  await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
  using client = await open(edge.ports.tcp);
  let over = false;
  client.socket.once('close', () => {
    over = true;
  });

  const keepalive = { time: '70s', interval: '10s', retries: 4 };
  const { metadata, ...gateway } = edge.example('Gateway');
  const policy = edge.example('AgentgatewayPolicy');
  for (const manifest of [
    { ...policy, spec: { ...policySpec(edge), backend: { tcp: { keepalive } } } },
    { ...edge.example('HTTPRoute'), metadata: { name: 'another' } },
    { ...gateway, metadata: { ...metadata, name: 'other' } },
  ]) {
    assert.deepEqual(await edge.apply(manifest), []);
  }
  await eventually(async () => {
    using fresh = await open(edge.ports.tcp);
    const timers = keepaliveTimers(`dport = :${edge.ports.upstream}`);
    assert.ok(fresh.socket.writable && timers.some((seconds) => seconds > 40), String(timers));
  });
  await new Promise((resolve) => setTimeout(resolve, (DRAIN_SECONDS + 1) * 1_000));
  assert.equal(over, false);
  assert.equal(await envoy.stat('listener_manager.listener_modified'), 0);
  assert.equal(await envoy.stat('listener_manager.listener_create_success'), 2);
});

for (const apiType of API_TYPES)
  test(`${apiType}: what Envoy refuses shows in the status of the policy, and the good part of it really goes when it is deleted`, {
    skip,
  }, async () => {
    await using edge = await startEdge();
    await using envoy = spawnEnvoy(edge.ports, { apiType });
    await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
    // The REST port of the control plane is taken.
    const { rest: busy, readiness: good } = edge.ports;
    await edge.apply(withPorts(edge, busy, good));
    for (const [kind, name] of [
      ['Gateway', 'edge'],
      ['AgentgatewayPolicy', 'edge-keepalive'],
    ] as const) {
      await eventually(async () => {
        const { status, message } = await edge.condition(kind, name, 'Programmed');
        assert.deepEqual(
          [status, /Rejected by edge-0: .*cannot bind '127.0.0.1:\d+': Address already in use/.test(message)],
          ['False', true],
          message,
        );
      });
    }
    const serves = `${good}/default/edge`;
    await eventually(async () => assert.equal((await envoy.names('listeners')).includes(serves), true));
    await edge.apply(withPorts(edge, busy));
    await eventually(async () => assert.equal((await envoy.names('listeners')).includes(serves), false));
    await edge.apply(edge.example('Gateway'));
    await eventually(async () =>
      assert.equal((await edge.condition('AgentgatewayPolicy', 'edge-keepalive', 'Programmed')).status, 'True'),
    );
  });

test('the good part of what Envoy refuses goes also when it is deleted while Envoy is away', { skip }, async () => {
  await using edge = await startEdge();
  await using line = await startLine(edge.ports.xds);
  await using envoy = spawnEnvoy({ xds: line.port, admin: edge.ports.admin });
  await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
  const { rest: busy, readiness: good } = edge.ports;
  await edge.apply(withPorts(edge, busy, good));
  const serves = `${good}/default/edge`;
  await eventually(async () => assert.equal((await envoy.names('listeners')).includes(serves), true));
  await eventually(async () => assert.equal((await edge.condition('Gateway', 'edge', 'Programmed')).status, 'False'));

  line.cut();
  await eventually(async () => assert.equal(await envoy.stat('control_plane.connected_state'), 0));
  await edge.apply(withPorts(edge, busy));
  assert.ok((await envoy.names('listeners')).includes(serves));
  line.mend();
  await eventually(async () => assert.equal((await envoy.names('listeners')).includes(serves), false), 30_000);
  assert.equal(await get(edge), 'upstream');
});

test('settings do in Envoy what they do in a worker', { skip }, async () => {
  await using edge = await startEdge();
  await using _envoy = spawnEnvoy(edge.ports);
  await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
  const raw = async (path: string, host = 'h') => {
    using client = await open(edge.ports.http);
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return String(Buffer.concat(await client.socket.toArray()));
  };
  assert.match(await raw('/late'), /^HTTP\/1\.1 200 OK/);
  assert.match(await raw('/'), /x-upstream: 1\.1/);

  const spec = policySpec(edge);
  const frontend = { ...spec.frontend, http: { ...PINGS, http1HeaderCase: 'Preserve', http2FrameSize: 65_536 } };
  const backend = { http: { requestTimeout: '1s' } };
  const warnings = await edge.apply({ ...edge.example('AgentgatewayPolicy'), spec: { ...spec, frontend, backend } });
  assert.match(warnings.join('\n'), /http2FrameSize cannot be set in Envoy/);
  await eventually(async () => assert.match(await raw('/'), /X-Upstream: 1\.1/));
  assert.match(await raw('/late'), /^HTTP\/1\.1 504 /);
  assert.match(await raw('/slow'), /^HTTP\/1\.1 200 OK.*begun, .*upstream/s);

  using answering = http2Client(await open(edge.ports.http));
  using silent = await open(edge.ports.http);
  silent.socket.write(HTTP2_START);
  const at = performance.now();
  await once(silent.socket.resume(), 'end');
  const tookMs = performance.now() - at;
  assert.ok(tookMs > 1_900 && tookMs < 4_000, `a client that answers no PING was closed after ${tookMs} ms`);
  assert.equal(answering.session.destroyed, false);

  const { parentRefs, rules } = edge.example('HTTPRoute')['spec'] as { readonly [field: string]: readonly object[] };
  const prefix = (value: string) => ({ matches: [{ path: { type: 'PathPrefix', value } }] });
  const route = (name: string, hostnames: readonly string[], ...all: readonly object[]) =>
    edge.apply({ ...edge.example('HTTPRoute'), metadata: { name }, spec: { parentRefs, hostnames, rules: all } });
  await route('web', [], ...(rules ?? []), { ...prefix('/none') });
  await route('other', ['*.example'], { ...rules?.[0], ...prefix('/only') });
  await eventually(async () => assert.match(await raw('/none/at/all'), /^HTTP\/1\.1 500 /));
  assert.match(await raw('/nonesuch'), /^HTTP\/1\.1 504 /, 'late, so it went to the backend');
  await eventually(async () => assert.match(await raw('/none', `a.example:${edge.ports.http}`), /^HTTP\/1\.1 500 /));
});

for (const apiType of API_TYPES)
  test(`${apiType}: a control plane that dies and comes again alters nothing`, { skip }, async () => {
    await using edge = await startEdge();
    await using envoy = spawnEnvoy(edge.ports, { apiType });
    await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
    const streams = await envoy.stat('control_plane.connected_state');
    assert.equal(streams, 1);
    await edge.restart();
    await eventually(
      async () => assert.equal((await edge.condition('Gateway', 'edge', 'Programmed')).status, 'True'),
      30_000,
    );
    assert.equal(await get(edge), 'upstream');
    assert.equal(await envoy.stat('listener_manager.listener_modified'), 0);
    assert.equal(await envoy.stat('listener_manager.listener_removed'), 0);
    assert.equal(await envoy.stat('cluster_manager.cluster_modified'), 0);
  });

const PINGS = { http2KeepaliveInterval: '1s', http2KeepaliveTimeout: '1s' };

/** HTTP/2's preface and empty settings (RFC 9113, section 3.4). */
const HTTP2_START = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** An HTTP/2 client that says nothing but answers PINGs. */
function http2Client({ socket }: { readonly socket: Socket }) {
  const session = http2Connect('http://h', { createConnection: () => socket });
  session.on('error', () => undefined);
  return { session, [Symbol.dispose]: () => session.destroy() };
}

type Spec = { readonly targetRefs: readonly object[]; readonly frontend: object; readonly backend: object };

function policySpec(edge: Edge): Spec {
  return edge.example('AgentgatewayPolicy')['spec'] as Spec;
}

/** The example's policy with another frontend. */
function withFrontend(edge: Edge, frontend: object) {
  return { ...edge.example('AgentgatewayPolicy'), spec: { ...policySpec(edge), frontend } };
}

/** The example's gateway with TCP on more ports. */
function withPorts(edge: Edge, ...ports: readonly number[]) {
  const gateway = edge.example('Gateway');
  const { listeners, ...rest } = gateway['spec'] as { readonly listeners: readonly object[] };
  const more = ports.map((port) => ({ name: `p${port}`, protocol: 'TCP', port }));
  return { ...gateway, spec: { ...rest, listeners: [...listeners, ...more] } };
}

async function get({ ports }: Edge): Promise<string> {
  return (await fetch(`http://127.0.0.1:${ports.http}/`)).text();
}

/** A connection through Envoy that says nothing. */
async function open(port: number): Promise<{ readonly socket: Socket } & Disposable> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return { socket, [Symbol.dispose]: () => socket.destroy() };
}

/** Each timer is of a socket with so many seconds of idle time, of which some may have passed. */
function within(timers: readonly number[], idleSeconds: number): void {
  assert.ok(timers.length > 0, 'no connection has a keepalive timer');
  for (const seconds of timers) assert.ok(seconds <= idleSeconds && seconds > idleSeconds - 15, `${seconds} s`);
}
