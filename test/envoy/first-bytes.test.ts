import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as openTcp } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { eventually } from '../system/running-system.ts';
import { CERTIFICATE, startTlsServer } from '../system/tls-server.ts';
import { type Edge, startEdge } from './edge.ts';
import { DRAIN_SECONDS, needsEnvoy, spawnEnvoy } from './envoy-process.ts';

const skip = needsEnvoy();

/** The example's gateway with TLS that passes through on a port. */
function withTls(edge: Edge, port: number) {
  const gateway = edge.example('Gateway');
  const { listeners, ...rest } = gateway['spec'] as { readonly listeners: readonly object[] };
  const tls = Object.entries({ exact: 'a.example.com', wide: '*.example.com' }).map(([name, hostname]) => {
    return { name, protocol: 'TLS', port, hostname, tls: { mode: 'Passthrough' } };
  });
  return { ...gateway, spec: { ...rest, listeners: [...listeners, ...tls] } };
}

function tlsRoute(edge: Edge, name: string, sectionName: string, hostnames: readonly string[] = []) {
  const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }];
  const spec = { parentRefs: [{ name: 'edge', sectionName }], rules: [{ backendRefs }], hostnames };
  return { ...edge.example('TCPRoute'), kind: 'TLSRoute', metadata: { name: `${sectionName}-${name}` }, spec };
}

test('a real Envoy passes TLS by its server name; a route for one name leaves what others have open alone', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
  using one = await startTlsServer('one');
  using two = await startTlsServer('two');
  const { readiness: port } = edge.ports;
  const ask = async (
    servername: string,
  ): Promise<{ readonly socket: TLSSocket; readonly line: string } & Disposable> => {
    const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE, servername });
    const [line] = (await once(socket, 'data')) as [Buffer];
    socket.on('error', () => undefined);
    return { socket, line: line.toString(), [Symbol.dispose]: () => socket.destroy() };
  };
  const answers = async (servername: string, name: string) => {
    using client = await ask(servername);
    assert.equal(client.line, `${name} false`);
  };
  for (const [name, server] of Object.entries({ one, two })) {
    const spec = { static: { host: '127.0.0.1', port: server.port } };
    await edge.apply({ ...edge.example('AgentgatewayBackend'), metadata: { name }, spec });
  }
  await edge.apply(withTls(edge, port));
  await edge.apply(tlsRoute(edge, 'one', 'exact'));
  await edge.apply(tlsRoute(edge, 'two', 'wide'));
  await eventually(() => answers('a.example.com', 'one'), 30_000);
  await eventually(() => answers('b.example.com', 'two'));
  await assert.rejects(ask('a.example.org'), { code: 'ECONNRESET' });
  await assert.rejects(ask(''), { code: 'ECONNRESET' });

  using kept = await ask('a.example.com');
  await edge.apply(tlsRoute(edge, 'one', 'wide', ['c.example.com']));
  await eventually(() => answers('c.example.com', 'one'));
  await answers('b.example.com', 'two');
  await sleep((DRAIN_SECONDS + 1) * 1_000);
  kept.socket.write('still');
  assert.equal(String((await once(kept.socket, 'data'))[0]), 'still');
  assert.equal((await edge.condition('Gateway', 'edge', 'Programmed')).status, 'True');
  assert.equal(await envoy.stat('listener_manager.lds.update_rejected'), 0, envoy.output());
  assert.equal(await envoy.stat('server.dynamic_unknown_fields'), 0);
});

test('a real Envoy takes the PROXY headers that a policy asks for, and closes what comes without', {
  skip,
}, async () => {
  await using edge = await startEdge();
  await using envoy = spawnEnvoy(edge.ports);
  const V1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';
  const V2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb';
  const ask = async (header: string): Promise<string> => {
    const socket = openTcp(edge.ports.http, '127.0.0.1');
    socket.write(Buffer.from(`${header}GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`, 'latin1'));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Closed with bytes unread is a reset.
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(chunks).toString().split('\r\n')[0] ?? '';
  };
  const OK = 'HTTP/1.1 200 OK';
  const policy = edge.example('AgentgatewayPolicy');
  const { targetRefs } = policy['spec'] as { readonly targetRefs: readonly object[] };
  const set = (proxyProtocol: object) => edge.apply({ ...policy, spec: { targetRefs, frontend: { proxyProtocol } } });
  await eventually(async () => assert.equal(await ask(''), OK), 30_000);

  await set({});
  await eventually(async () => assert.equal(await ask(V2), OK));
  assert.equal(await ask(''), '');
  assert.equal(await ask(V1), '');
  await set({ version: 'V1', mode: 'Optional' });
  await eventually(async () => assert.equal(await ask(V1), OK));
  assert.equal(await ask(''), OK);
  assert.equal((await edge.condition('AgentgatewayPolicy', 'edge-keepalive', 'Programmed')).status, 'True');
  assert.equal(await envoy.stat('listener_manager.lds.update_rejected'), 0, envoy.output());
  assert.equal(await envoy.stat('server.dynamic_unknown_fields'), 0);
});
