import { once } from 'node:events';
import { createServer } from 'node:net';
import { startEdge } from './edge.ts';
import { spawnEnvoy } from './envoy-process.ts';

// Runs inside a namespace: a control plane and an Envoy of it, with one port to an upstream here and one to an upstream
// at an address that is given. Both echo.
const [remote = '', frontend = '', backend = ''] = process.argv.slice(2);
const UPSTREAM_PORT = 9000;

const echo = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
}).listen(UPSTREAM_PORT, '127.0.0.1');
await once(echo, 'listening');

const edge = await startEdge();
const { tcp: near, http: far } = edge.ports;
const gateway = edge.example('Gateway');
const listeners = Object.entries({ near, far }).map(([name, port]) => ({ name, protocol: 'TCP', port }));
await edge.apply({ ...gateway, spec: { ...(gateway['spec'] as object), listeners } });
const route = edge.example('TCPRoute');
const upstream = edge.example('AgentgatewayBackend');
for (const [name, host] of Object.entries({ near: '127.0.0.1', far: remote })) {
  const metadata = { name };
  await edge.apply({ ...upstream, metadata, spec: { static: { host, port: UPSTREAM_PORT } } });
  const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }];
  await edge.apply({
    ...route,
    metadata,
    spec: { parentRefs: [{ name: 'edge', sectionName: name }], rules: [{ backendRefs }] },
  });
}
await edge.delete('TCPRoute', 'raw');
const policy = edge.example('AgentgatewayPolicy');
const { targetRefs } = policy['spec'] as { readonly targetRefs: readonly object[] };
const settings = { frontend: JSON.parse(frontend) as object, backend: JSON.parse(backend) as object };
await edge.apply({ ...policy, spec: { targetRefs, ...settings } });

const envoy = spawnEnvoy(edge.ports, { listenAddress: '0.0.0.0' });
process.stdout.write(`${JSON.stringify({ event: 'ready', at: Date.now(), near, far })}\n`);
process.stdin.resume();
process.stdin.once('end', () => {
  void (async () => {
    await envoy[Symbol.asyncDispose]();
    await edge[Symbol.asyncDispose]();
    process.stdout.write(`${JSON.stringify({ event: 'stopped', at: Date.now() })}\n`, () => process.exit(0));
  })();
});
