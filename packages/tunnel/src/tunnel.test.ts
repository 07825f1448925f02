import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { ChunkSchema, tunnelService } from '@pulseplane/wire';
import { createDiscoveryServer } from '@pulseplane/xds';
import type { Asked } from './asked.ts';
import { runTunnelClient } from './tunnel-client.ts';
import { createTunnelServer, type Opened } from './tunnel-server.ts';
import type { PortState, WorkerReport } from './worker-report.ts';

const WORKER = { id: 'worker-1', role: 'httpbin~agentgateway-proxy' };
const ADMIN: Asked = { kind: 'admin' };

/** A control plane's port with a tunnel, and workers that attach to it. */
async function setUp(context: TestContext, openWithinMs = 5_000) {
  const reports: WorkerReport[] = [];
  const tunnels = createTunnelServer({ openWithinMs, onReport: (_worker, report) => reports.push(report) });
  const server = createDiscoveryServer({
    source: { resources: () => new Map(), watch: () => () => undefined },
    observer: { opened: () => {}, requested: () => {}, output: () => {}, refused: () => {}, closed: () => {} },
    services: [tunnels],
    identifier: 'test',
  });
  const port = await server.listen('127.0.0.1', 0);
  context.after(() => server.close());
  return {
    port,
    tunnels,
    reports,
    attach: async (
      dial: (asked: Asked) => Promise<Duplex>,
      worker = WORKER,
      connections = new Map<number, number>(),
      given: Omit<WorkerReport, 'connections'> = { nonce: '', ports: new Map() },
    ) => {
      const attached = deferred();
      const { stop, reportNow } = runTunnelClient({
        address: `127.0.0.1:${port}`,
        worker,
        dial,
        random: Math.random,
        report: () => ({ ...given, connections: new Map(connections), ports: new Map(given.ports) }),
        onState: ({ kind }) => kind === 'attached' && attached.resolve(),
      });
      context.after(stop);
      await attached.promise;
      return { stop, reportNow };
    },
  };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function listening(context: TestContext, server: Server): Promise<() => Promise<Duplex>> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  return async () => {
    const socket = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  };
}

async function opened(open: Promise<Opened>): Promise<Duplex> {
  const outcome = await open;
  assert(outcome.kind === 'open', JSON.stringify(outcome));
  return outcome.stream;
}

test('bytes go both ways, each way ends by itself, and nothing is lost or changed', async (context) => {
  const { tunnels, attach } = await setUp(context);
  const dial = await listening(
    context,
    createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)),
  );
  await attach(dial);
  const sent = randomBytes(5_000_000);
  const streams = await Promise.all([1, 2, 3].map(() => opened(tunnels.open(WORKER, ADMIN))));
  for (const stream of streams) stream.end(sent);
  for (const back of await Promise.all(streams.map((stream) => buffer(stream)))) {
    assert.equal(createHash('sha256').update(back).digest('hex'), createHash('sha256').update(sent).digest('hex'));
  }
});

test('who does not read holds back who writes', async (context) => {
  const { tunnels, attach } = await setUp(context);
  let written = 0;
  const dial = await listening(
    context,
    createServer((socket) => {
      const chunk = Buffer.alloc(65_536);
      const fill = (): void => {
        do written += chunk.length;
        while (socket.write(chunk));
      };
      socket.on('drain', fill);
      socket.on('error', () => undefined);
      fill();
    }),
  );
  await attach(dial);
  const stream = await opened(tunnels.open(WORKER, ADMIN));
  await sleep(500);
  const held = written;
  await sleep(500);
  assert.equal(written, held);
  assert.ok(held < 32_000_000, `${held} bytes were taken that nobody reads`);
  let read = 0;
  stream.on('data', (data: Buffer) => {
    read += data.length;
  });
  while (read < held * 2) await sleep(20);
  stream.destroy();
});

test('a stream that is closed on one side is closed on the other', async (context) => {
  const { tunnels, attach } = await setUp(context);
  const sockets: Duplex[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await attach(await listening(context, server));
  const first = await opened(tunnels.open(WORKER, ADMIN));
  const [there] = sockets;
  assert(there !== undefined);
  first.destroy();
  if (!there.closed) await once(there, 'close');
  const second = await opened(tunnels.open(WORKER, ADMIN));
  second.on('error', () => undefined);
  second.resume();
  sockets[1]?.destroy();
  await once(second, 'end');
  second.end();
  await once(second, 'close');
});

test('a worker that is asked a moment before it has attached answers', async (context) => {
  const { tunnels, attach } = await setUp(context);
  const asked = tunnels.open(WORKER, ADMIN);
  await attach(() => Promise.reject(new Error('it was asked')));
  assert.deepEqual(await asked, { kind: 'refused', reason: 'it was asked' });
});

test('a worker says how many connections it has, as often as that changes, for as long as it is attached', async (context) => {
  const { tunnels, attach } = await setUp(context);
  const connections = new Map([[3000, 2]]);
  const { stop } = await attach(() => Promise.reject(new Error('no')), WORKER, connections);
  const reported = async (expected: Map<number, number> | undefined): Promise<void> => {
    for (let tries = 0; !isDeepStrictEqual(tunnels.reported(WORKER)?.connections, expected); tries += 1) {
      assert(tries < 100, JSON.stringify([...(tunnels.reported(WORKER)?.connections ?? [])]));
      await sleep(50);
    }
  };
  await reported(new Map([[3000, 2]]));
  connections.set(3001, 70_000).delete(3000);
  await reported(new Map([[3001, 70_000]]));
  connections.clear();
  await reported(new Map());
  stop();
  await reported(undefined);
});

test('a worker says at once which ports of which configuration are open, and why one is not', async (context) => {
  const { reports, attach } = await setUp(context);
  const since = new Date('2026-11-23T07:20:00.123Z');
  const ports = new Map<number, PortState>([[3000, { kind: 'listening', since }]]);
  const given = { nonce: '1', ports };
  const { reportNow } = await attach(() => Promise.reject(new Error('no')), WORKER, new Map([[3001, 2]]), given);
  while (reports.length < 1) await sleep(5);
  assert.deepEqual(reports, [{ nonce: '1', connections: new Map([[3001, 2]]), ports }]);
  const before = performance.now();
  const failed = { kind: 'failed', since, code: 'EADDRINUSE', address: '127.0.0.1' } as const;
  given.ports = new Map([[3000, failed]]);
  reportNow();
  while (reports.length < 2) await sleep(5);
  assert(performance.now() - before < 500, 'it is not told at once');
  assert.deepEqual(reports[1]?.ports, new Map([[3000, failed]]));
});

test('counts and where the configuration is from come as they were said, and not more of them than is shown', async (context) => {
  const { reports, attach } = await setUp(context);
  const counts = { open: 3, closes: new Map([['peer', 2 ** 33]]), socketOptionErrors: 1 };
  const many = (length: number) => new Map(Array.from({ length }, (_, n) => [`policy/${n}`, counts]));
  const configuration = {
    source: 'disk',
    acceptedAt: new Date('2026-11-23T07:20:00.123Z'),
    saveError: 'ENOSPC',
  } as const;
  const given = { nonce: '', ports: new Map(), configuration, counts: { ...counts, policies: many(2) } };
  const { reportNow } = await attach(() => Promise.reject(new Error('no')), WORKER, new Map(), given);
  while (reports.length < 1) await sleep(5);
  assert.deepEqual(reports[0]?.counts, given.counts);
  assert.deepEqual(reports[0]?.configuration, configuration);
  given.counts = { ...counts, policies: many(1_000) };
  reportNow();
  while (reports.length < 2) await sleep(5);
  assert.equal(reports[1]?.counts?.policies.size, 256);
});

test('refusals say why: no worker, a worker that cannot, a worker that is silent, too many', async (context) => {
  const { tunnels, attach } = await setUp(context, 300);
  assert.deepEqual(await tunnels.open(WORKER, ADMIN), {
    kind: 'refused',
    reason: 'it has not opened a tunnel to this control plane',
  });
  const other = { ...WORKER, id: 'worker-2' };
  await attach(() => Promise.reject(new Error('no admin port')), other);
  assert.deepEqual(await tunnels.open(other, ADMIN), { kind: 'refused', reason: 'no admin port' });
  const { stop } = await attach(() => new Promise(() => undefined));
  const silent = { kind: 'refused', reason: 'it did not answer within 0.3 s' };
  assert.deepEqual(await tunnels.open(WORKER, ADMIN), silent);
  const many = Array.from({ length: 65 }, () => tunnels.open(WORKER, ADMIN));
  assert.deepEqual(await many[64], { kind: 'refused', reason: 'it has 64 streams open already' });
  await Promise.all(many);
  const last = tunnels.open(WORKER, ADMIN);
  stop();
  assert.deepEqual(await last, { kind: 'refused', reason: 'it has closed its tunnel' });
});

test('a log query reaches the worker whole', async (context) => {
  const { tunnels, attach } = await setUp(context);
  let seen: Asked | undefined;
  await attach((asked) => {
    seen = asked;
    return Promise.resolve(Duplex.from(['a line\n']) as Readable as Duplex);
  });
  const query = { follow: true, tailLines: 0, since: new Date('2026-11-22T10:00:00.123Z'), timestamps: true };
  const stream = await opened(tunnels.open(WORKER, { kind: 'log', query }));
  assert.deepEqual(seen, { kind: 'log', query });
  stream.destroy();
});

test('a call that carries an id that nobody waits for is refused', async (context) => {
  const { port } = await setUp(context);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  context.after(() => client.close());
  const { path, requestSerialize, responseDeserialize } = tunnelService.carry;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.write(create(ChunkSchema, { streamId: 'guessed', data: Buffer.from('x') }));
  const [error] = (await once(call, 'error')) as [ServiceError];
  assert.match(error.message, /NOT_FOUND/);
  assert.equal(await text(call).catch(() => ''), '');
});
