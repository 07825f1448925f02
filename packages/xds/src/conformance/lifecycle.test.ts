import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { Client, credentials, status } from '@grpc/grpc-js';
import { aggregatedService, DeltaDiscoveryRequestSchema } from '@pulseplane/wire';
import type { Variant } from '../protocol/message.ts';
import { CLUSTER_TYPE_URL } from '../protocol/resource-types.ts';
import { RawStream, until } from '../testing/raw-stream.ts';
import { ROLE, serveWorld } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

test('C57: over a limit the stream ends with RESOURCE_EXHAUSTED, and the others live on', async (context) => {
  const server = await serveWorld(context, { limits: { maxStreamsPerNode: 2, maxStreams: 4 } });
  server.publish({ CDS: { a: '1' } });
  const fails = async (stream: RawStream, message: RegExp): Promise<void> => {
    const error = await stream.failure;
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    assert.match(error.details, message);
  };
  const open = (node: string, variant: Variant = 'delta'): RawStream => {
    const stream = new RawStream(context, server.port, variant, { node });
    stream.ask('CDS');
    return stream;
  };
  const two = [open('n1'), open('n1', 'sotw')];
  for (const stream of two) assert.equal(await stream.next(), 'CDS a@1');
  await fails(open('n1'), /2 streams of node n1 are open already/);
  const third = open('n2');
  assert.equal(await third.next(), 'CDS a@1');
  third.ask('EDS', { names: Array.from({ length: 50_001 }, (_, index) => String(index)) });
  await fails(third, /more than 50000 resource names/);
  await until(() => server.live.size === 2);
  const long = open('n3');
  long.ask('EDS', { names: ['x'.repeat(4_097)] });
  await fails(long, /a resource name of more than 4096 characters/);
  const many = open('n4');
  for (let type = 0; type < 33; type += 1) many.ask(`t/${type}`, { names: ['x'] });
  await fails(many, /more than 32 types on one stream/);
  await until(() => server.live.size === 2);
  const rest = [open('n5'), open('n6')];
  for (const stream of rest) assert.equal(await stream.next(), 'CDS a@1');
  await fails(open('n7'), /4 streams are open already/);
  for (const [index, stream] of two.entries()) {
    stream.ack('CDS', index === 1 ? { names: ['a'] } : { names: ['a'] });
    assert.equal(await stream.next(), 'CDS a@1');
  }
});

test('what a node says of itself is bounded', async (context) => {
  const server = await serveWorld(context);
  for (const [said, variant] of [
    [{ node: 'n'.repeat(1_025) }, 'delta'],
    [{ role: `ns~${'g'.repeat(1_022)}` }, 'sotw'],
  ] as const) {
    const stream = new RawStream(context, server.port, variant, said);
    stream.ask('CDS');
    const { code, details } = await stream.failure;
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.match(details, /^(?:id|role) of the node has more than 1024 characters$/);
  }
  assert.equal(server.live.size, 0);
  const longest = new RawStream(context, server.port, 'delta', { node: 'n'.repeat(1_024) });
  longest.ask('CDS');
  assert.equal(await longest.next(), 'CDS');
});

test('one address has only so many streams', async (context) => {
  const server = await serveWorld(context, { limits: { maxStreamsPerPeer: 2 } });
  server.publish({ CDS: { a: '1' } });
  const open = (node: string): RawStream => {
    const stream = new RawStream(context, server.port, 'delta', { node });
    stream.ask('CDS');
    return stream;
  };
  const first = open('n1');
  for (const stream of [first, open('n2')]) assert.equal(await stream.next(), 'CDS a@1');
  const error = await open('n3').failure;
  assert.equal(error.code, status.RESOURCE_EXHAUSTED);
  assert.match(error.details, /2 streams are open already from 127\.0\.0\.1/);
  assert.deepEqual(server.refusals, ['limit: 2 streams are open already from 127.0.0.1']);
  first.close();
  await until(() => server.live.size === 1);
  assert.equal(await open('n4').next(), 'CDS a@1', 'a place that has become free is given again');
});

test('C58: going down, streams are ended one after the other, with UNAVAILABLE', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  context.after(() => client.close());
  const streams = Array.from(
    { length: 60 },
    (_, index) => new RawStream(context, server.port, 'delta', { node: `n${index}`, client }),
  );
  for (const stream of streams) stream.ask('CDS');
  for (const stream of streams) assert.equal(await stream.next(), 'CDS a@1');
  const ended = streams.map(async (stream) => {
    const { code } = await stream.failure;
    return { code, at: performance.now() };
  });
  await server.close();
  const ends = await Promise.all(ended);
  assert.deepEqual([...new Set(ends.map(({ code }) => code))], [status.UNAVAILABLE]);
  const times = ends.map(({ at }) => at);
  assert(Math.max(...times) - Math.min(...times) > 50, 'not all at once');
});

test('C59: each response says which control plane it is from', async (context) => {
  const server = await serveWorld(context, { identifier: 'cp-2' });
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS');
    await stream.next();
    assert.equal(stream.last('CDS').message.controlPlane?.identifier, 'cp-2');
  }
});

test('C60: a NACK is kept with its stream, type, nonce, version and text, which is bounded and holds no key', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { node: variant });
    stream.ask('CDS');
    await stream.next();
    const { nonce, version } = stream.last('CDS');
    const key = '-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----';
    stream.nack('CDS', `a: bad ${key} inline_string: "hush" ${'x'.repeat(10_000)}`);
    await stream.quiet();
    const last = server.outputs().at(-1);
    assert(last?.output.kind === 'nacked');
    assert.deepEqual([last.output.response.nonce, last.output.response.version], [nonce, version]);
    assert.match(last.output.message, /^a: bad \[private key\] inline_string: "\[hidden\]" x+\.\.\.\(truncated\)$/);
    assert(last.output.message.length < 4_200);
  }
});

test('C61: of streams that have ended nothing is left', async (context) => {
  const server = await serveWorld(context, { limits: { maxStreams: 60 } });
  server.publish({ CDS: { a: '1' } });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  context.after(() => client.close());
  for (let round = 0; round < 10; round += 1) {
    const streams = Array.from(
      { length: 50 },
      (_, index) => new RawStream(context, server.port, BOTH[index % 2] ?? 'delta', { node: `n${index}`, client }),
    );
    for (const stream of streams) stream.ask('CDS');
    for (const stream of streams) await stream.next();
    for (const stream of streams) stream.close();
    await until(() => server.live.size === 0 && server.watchers.size === 0);
  }
});

test('C62: a client that is silently gone is found by PING', async (context) => {
  const server = await serveWorld(context, { limits: { pingIntervalMs: 200, pingTimeoutMs: 200 } });
  const blackhole = await startBlackhole(context, server.port);
  const stream = new RawStream(context, blackhole.port, 'delta');
  stream.ask('CDS');
  assert.equal(await stream.next(), 'CDS');
  assert.equal(server.live.size, 1);
  blackhole.swallow();
  await until(() => server.live.size === 0);
});

test('a worker that is frozen is found by PING, and comes again when it goes on', async (context) => {
  const limits = { pingIntervalMs: 500, pingTimeoutMs: 1_000 };
  const server = await serveWorld(context, { limits });
  server.publish({ GATEWAY: { a: '1' } });
  const script = fileURLToPath(new URL('../testing/worker-process.ts', import.meta.url));
  const worker = spawn(process.execPath, [...process.execArgv, script, String(server.port)], { stdio: 'inherit' });
  context.after(() => worker.kill('SIGKILL'));
  const acknowledged = (): number => server.outputs().filter(({ output }) => output.kind === 'acked').length;
  await until(() => acknowledged() === 1, 30_000);
  const [stream] = server.live.keys();
  worker.kill('SIGSTOP');
  const stoppedAt = performance.now();
  await until(() => server.live.size === 0, 10_000);
  assert(performance.now() - stoppedAt >= limits.pingTimeoutMs, 'not before it had its time to answer');
  worker.kill('SIGCONT');
  await until(() => server.live.size === 1, 10_000);
  assert.equal(server.live.has(stream ?? 0), false);
});

test('C63: a name that may not be read is a name that does not exist', async (context) => {
  const server = await serveWorld(context);
  server.publish({ RDS: { secret: '1' } }, 'ns~other');
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('RDS', { names: ['secret'] });
  assert.equal(await stream.next(), 'RDS -secret');
});

test('C64: resource locators and other unknown fields are ignored', async (context) => {
  const server = await serveWorld(context);
  server.publish({ RDS: { r: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  // Field 8, resource_locators_subscribe, with a ResourceLocator whose name is "r".
  stream.ask('RDS', { names: ['r'], unknown: { no: 8, data: Buffer.from([3, 0x0a, 1, 0x72]) } });
  assert.equal(await stream.next(), 'RDS r@1');
  stream.ack('RDS');
  await stream.quiet();
});

test('a connection that has reached its age takes no streams more, and those on it go on', async (context) => {
  const server = await serveWorld(context, { maxConnectionAgeMs: 100 });
  server.publish({ CDS: { a: '1' } });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  context.after(() => client.close());
  const open = async (node: string): Promise<RawStream> => {
    const stream = new RawStream(context, server.port, 'delta', { node, client });
    stream.ask('CDS');
    assert.equal(await stream.next(), 'CDS a@1');
    return stream;
  };
  const before = await open('before');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await open('after');
  assert.equal(new Set([...server.live.values()].map(({ peer }) => peer)).size, 2, 'two connections');
  before.ack('CDS');
  await before.quiet();
});

test('connections reach their age one before and one after the other', async (context) => {
  const ageMs = 1_000;
  const server = await serveWorld(context, { maxConnectionAgeMs: ageMs });
  const ages = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const session = connectHttp2(`http://127.0.0.1:${server.port}`);
      context.after(() => session.destroy());
      await once(session, 'connect');
      const connectedAt = performance.now();
      await once(session, 'goaway');
      return performance.now() - connectedAt;
    }),
  );
  const said = `asked to go after ${ages.map(Math.round).join()} ms`;
  // A tenth to both sides; the client may hear of its connection a little later than the server.
  assert(Math.min(...ages) > 0.85 * ageMs && Math.min(...ages) < ageMs, said);
  assert(Math.max(...ages) - Math.min(...ages) > 0.05 * ageMs, said);
});

test('a client that answers PINGs but does not read is cut off, and nobody waits for it', async (context) => {
  const server = await serveWorld(context, {
    limits: { maxUnreadMs: 2_000, pingIntervalMs: 100, pingTimeoutMs: 5_000 },
  });
  const large = 'x'.repeat(1_000_000);
  server.publish({ CDS: { [large]: '1' } });
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  context.after(() => session.destroy());
  const { path, requestSerialize } = aggregatedService.delta.method;
  const request = requestSerialize(
    create(DeltaDiscoveryRequestSchema, { node: { id: 'stuck', metadata: { role: ROLE } }, typeUrl: CLUSTER_TYPE_URL }),
  );
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.byteLength, 1);
  // Node answers PINGs for it, and opens no window while nobody reads.
  const stuck = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stuck.write(Buffer.concat([prefix, request]));
  stuck.on('error', () => undefined);
  const isCut = once(session, 'close');
  const reader = new RawStream(context, server.port, 'delta', { node: 'reader' });
  reader.ask('CDS');
  await reader.next();
  reader.ack('CDS');
  await until(() => server.live.size === 2);
  for (let version = 2; version < 10; version += 1) {
    server.publish({ CDS: { [large]: String(version) } });
    assert.match(await reader.next(), new RegExp(`^CDS x+@${version}$`));
    reader.ack('CDS');
    await reader.settled();
  }
  await until(() => server.live.size === 1);
  assert.deepEqual(server.refusals, ['unread: nothing was read for 2 s']);
  await isCut;
});

test('a stream without a first request is ended, and no longer counts', async (context) => {
  const server = await serveWorld(context, { limits: { maxSilentMs: 300, maxStreamsPerPeer: 1 } });
  server.publish({ CDS: { a: '1' } });
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  context.after(() => session.destroy());
  // It leaves its own side open.
  const silent = session.request({
    ':method': 'POST',
    ':path': aggregatedService.delta.method.path,
    'content-type': 'application/grpc',
  });
  const [headers] = await once(silent, 'response', { signal: AbortSignal.timeout(5_000) });
  assert.equal(headers['grpc-status'], String(status.DEADLINE_EXCEEDED));
  assert.deepEqual(server.refusals, ['silent: no first request came within 0.3 s']);
  const next = new RawStream(context, server.port, 'delta');
  next.ask('CDS');
  assert.equal(await next.next(), 'CDS a@1');
  await new Promise((resolve) => setTimeout(resolve, 700));
  next.ask('EDS', { names: ['b'] });
  assert.equal(await next.next(), 'EDS -b', 'who has asked is not ended');
});

/** A proxy that can stop passing anything on without closing anything. */
async function startBlackhole(context: TestContext, port: number) {
  const sockets = new Set<Socket>();
  let swallowing = false;
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (bytes) => {
        if (!swallowing) to.write(bytes);
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const address = proxy.address();
  assert(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    swallow: () => {
      swallowing = true;
    },
  };
}
