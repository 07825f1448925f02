import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually, freePorts, type Ports, startSystem } from '../system/running-system.ts';
import { spawnWorker } from '../system/worker-process.ts';
import { type Load, overHttp1, overHttp2 } from './load.ts';

const WORKERS = 3;
const CONNECTIONS = 60;
const RESTARTED_WITHIN_MS = 30_000;

type Shown = { readonly node: string; readonly connected: boolean };

/** Free ports, and free ones 100, 200, ... above those that each worker has of its own. */
async function portsOfSeveral(): Promise<Ports> {
  for (;;) {
    const ports = await freePorts();
    // Below those that the kernel gives away.
    const admin = 12_000 + Math.floor(Math.random() * 15_000);
    const own = { admin, metrics: admin + 20, readiness: admin + 21 };
    const all = Object.values(own).flatMap((port) => [port, port + 100, port + 200]);
    if ((await Promise.all(all.map(isFree))).every(Boolean)) return { ...ports, ...own };
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function json<Body>(url: string): Promise<Body> {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return (await response.json()) as Body;
}

async function openConnections(admin: number): Promise<number> {
  const page = await json<{ connections: { protocol: string }[] }>(`http://127.0.0.1:${admin}/connections`);
  return page.connections.filter(({ protocol }) => protocol === 'tcp').length;
}

async function isReady(readiness: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${readiness}/healthz/ready`).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status === 200;
}

test('workers share the ports, each with its own stream, id, report and pages; one more joins by hand', async (t) => {
  await using system = await startSystem({ ports: await portsOfSeveral(), args: ['--workers', String(WORKERS)] });
  const { ports } = system;
  const admins = Array.from({ length: WORKERS }, (_, worker) => ports.admin + 100 * worker);
  assert.match(system.output(), new RegExp(`3 workers +admin of the others :${admins[1]} :${admins[2]}\n`));
  await using added = await spawnWorker({
    xds: ports.xds,
    nodeId: 'added-by-hand',
    listenAddress: '127.0.0.1',
    args: ['--share-ports'],
  });
  await eventually(async () => {
    assert.equal(await isReady(added.ports.readiness), true);
    const { items } = await json<{ items: Shown[] }>(`http://127.0.0.1:${ports.rest}/v1/workers`);
    const ids = items.filter(({ connected }) => connected).map(({ node }) => node.replace(/^.*-(?=\d$)/, ''));
    assert.deepEqual(ids.sort(), ['1', '2', '3', 'added-by-hand']);
  });
  await eventually(() => assert.match(added.output(), /"listening"/));

  const sockets: Socket[] = [];
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const socket = connect(ports.tcp, '127.0.0.1');
    await once(socket, 'connect');
    sockets.push(socket);
  }
  await eventually(async () => {
    const counts = await Promise.all([...admins, added.ports.admin].map(openConnections));
    t.diagnostic(`connections of each: ${counts.join(', ')}`);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      CONNECTIONS,
    );
    for (const count of counts) assert.ok(count > 0, `${counts}`);
  });

  // One of the same user that does not share finds the port taken, and says so.
  await using alone = await spawnWorker({ xds: ports.xds, nodeId: 'alone', listenAddress: '127.0.0.1' });
  await eventually(() => assert.match(alone.output(), /"error":"EADDRINUSE"/));
});

test('a rolling restart of workers that share ports loses nothing under load', async (t) => {
  await using system = await startSystem({ ports: await portsOfSeveral(), args: ['--workers', '2'] });
  const { ports } = system;
  const load: Load = { served: 0, refused: 0, lost: [] };
  let isOver = false;
  const clients = Array.from({ length: 9 }, (_, index) => {
    if (index % 3 === 0) return overHttp2(ports.http, load, () => isOver);
    return overHttp1(ports.http, load, () => isOver, index % 3 === 1);
  });
  const servesMore = (): Promise<void> => {
    const before = load.served;
    return eventually(() => assert.ok(load.served > before + 200, `${load.served} served`));
  };
  await servesMore();
  for (const worker of [0, 1]) {
    const readiness = ports.readiness + 100 * worker;
    const quit = await fetch(`http://127.0.0.1:${ports.admin + 100 * worker}/quitquitquit`, { method: 'POST' });
    assert.equal(await quit.text(), 'shutting down\n');
    await eventually(async () => assert.equal(await isReady(readiness), false));
    await servesMore();
    await eventually(async () => assert.equal(await isReady(readiness), true), RESTARTED_WITHIN_MS);
    await servesMore();
  }
  isOver = true;
  await Promise.all(clients);
  t.diagnostic(`${load.served} served, ${load.refused} refused`);
  assert.deepEqual(load.lost, []);
});
