import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecentLines } from '@pulseplane/telemetry';
import { createTunnelServer, type Opened } from '@pulseplane/tunnel';
import { createDiscoveryServer } from '@pulseplane/xds';
import { openTunnel } from './tunnel.ts';

const NODE = { id: 'worker-1', role: 'httpbin~agentgateway-proxy' };

/** A worker's tunnel to a control plane's port, with an admin port that sends back what it gets. */
async function setUp(context: TestContext, adminAddress: string) {
  const tunnels = createTunnelServer();
  const server = createDiscoveryServer({
    source: { resources: () => new Map(), watch: () => () => undefined },
    observer: { opened: () => {}, requested: () => {}, output: () => {}, refused: () => {}, closed: () => {} },
    services: [tunnels],
    identifier: 'test',
  });
  const port = await server.listen('127.0.0.1', 0);
  const admin = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  admin.listen(0, '127.0.0.1');
  await once(admin, 'listening');
  const lines = new RecentLines();
  const attached = new EventTarget();
  const attachedOnce = once(attached, 'attached');
  const tunnel = openTunnel({
    controlPlane: `127.0.0.1:${port}`,
    nodeId: NODE.id,
    gateway: { namespace: 'httpbin', name: 'agentgateway-proxy' },
    adminAddress,
    adminPort: (admin.address() as AddressInfo).port,
    lines,
    report: () => ({ nonce: '', connections: new Map(), ports: new Map() }),
    logger: {
      debug: (fields) =>
        'kind' in fields && fields.kind === 'attached' && attached.dispatchEvent(new Event('attached')),
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    },
  });
  context.after(async () => {
    tunnel.stop();
    admin.close();
    await server.close();
  });
  await attachedOnce;
  return { tunnels, admin, lines };
}

function streamOf(opened: Opened) {
  assert(opened.kind === 'open', JSON.stringify(opened));
  return opened.stream;
}

test('a stream to the admin port lasts, also where that listens on every address', async (context) => {
  const { tunnels } = await setUp(context, '0.0.0.0');
  const stream = streamOf(await tunnels.open(NODE, { kind: 'admin' }));
  stream.write('first ');
  // Longer than a worker takes to connect at most.
  await sleep(5_500);
  stream.end('second');
  assert.equal(await text(stream), 'first second');
});

test('an admin port that is closed is told, and the log still comes', async (context) => {
  const { tunnels, admin, lines } = await setUp(context, '127.0.0.1');
  admin.close();
  const refused = await tunnels.open(NODE, { kind: 'admin' });
  assert.match(refused.kind === 'refused' ? refused.reason : '', /^its admin port cannot be reached: .*ECONNREFUSED/);
  lines.write('a line');
  const query = { follow: false, timestamps: false };
  assert.equal(await text(streamOf(await tunnels.open(NODE, { kind: 'log', query }))), 'a line\n');
});
