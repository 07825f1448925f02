import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../system/running-system.ts';
import { type Edge, startEdge } from './edge.ts';
import { DRAIN_SECONDS, keepaliveTimers, needsEnvoy, spawnEnvoy } from './envoy-process.ts';

const skip = needsEnvoy();

test('a real Envoy takes the example, carries traffic, and has the keepalive values on its sockets', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
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

test('what Envoy refuses shows in the status of the policy, and the good part of it really goes when it is deleted', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
  await eventually(async () => assert.equal(await get(edge), 'upstream'), 30_000);
  const gateway = edge.example('Gateway');
  const { listeners, ...rest } = gateway['spec'] as { readonly listeners: readonly object[] };
  const withPorts = (...ports: readonly number[]) => ({
    ...gateway,
    spec: {
      ...rest,
      listeners: [...listeners, ...ports.map((port) => ({ name: `p${port}`, protocol: 'TCP', port }))],
    },
  });
  // The REST port of the control plane is taken.
  const { rest: busy, readiness: good } = edge.ports;
  await edge.apply(withPorts(busy, good));
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
  await eventually(async () => assert.ok((await envoy.names('listeners')).includes(serves)));
  await edge.apply(withPorts(busy));
  await eventually(async () => assert.ok(!(await envoy.names('listeners')).includes(serves)));
  await edge.apply(gateway);
  await eventually(async () =>
    assert.equal((await edge.condition('AgentgatewayPolicy', 'edge-keepalive', 'Programmed')).status, 'True'),
  );
});

type Spec = { readonly targetRefs: readonly object[]; readonly frontend: object; readonly backend: object };

function policySpec(edge: Edge): Spec {
  return edge.example('AgentgatewayPolicy')['spec'] as Spec;
}

/** The example's policy with another frontend. */
function withFrontend(edge: Edge, frontend: object) {
  return { ...edge.example('AgentgatewayPolicy'), spec: { ...policySpec(edge), frontend } };
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
