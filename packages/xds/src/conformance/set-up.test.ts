import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import { discoveryServices } from '@pulseplane/wire';
import type { Variant } from '../protocol/message.ts';
import { RawStream, until } from '../testing/raw-stream.ts';
import { serveWorld, TYPES } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

function serviceOf(short: string) {
  const service = discoveryServices.find(({ only }) => only === TYPES[short]);
  assert(service !== undefined);
  return service;
}

async function fails(stream: RawStream, code: status, message: RegExp): Promise<void> {
  const error = await stream.failure;
  assert.equal(error.code, code);
  assert.match(error.details, message);
}

test('C1: a request without a type ends its stream with INVALID_ARGUMENT, and no other', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  const other = new RawStream(context, server.port, 'delta', { node: 'other' });
  other.ask('CDS');
  assert.equal(await other.next(), 'CDS a@1');
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('');
    await fails(stream, status.INVALID_ARGUMENT, /^type URL is required for ADS$/);
  }
  await other.quiet();
});

test('C2: a service for one type fills its type in, refuses another, and has no Fetch', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1' }, CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { service: serviceOf('EDS') });
    stream.ask('', { names: ['a'] });
    assert.equal(await stream.next(), 'EDS a@1');
    stream.ask('CDS');
    await fails(stream, status.INVALID_ARGUMENT, /serves .*ClusterLoadAssignment only/);
  }
  for (const service of discoveryServices) {
    for (const variant of service.sotw === undefined ? (['delta'] as const) : BOTH) {
      if (service.only === undefined) continue;
      const stream = new RawStream(context, server.port, variant, { service });
      stream.ask(service.only, { names: ['none'] });
      await stream.settled();
      stream.ask('CDS/other');
      await fails(stream, status.INVALID_ARGUMENT, new RegExp(service.only.replaceAll('.', '\\.')));
    }
  }
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  context.after(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const code = await new Promise((resolve) => {
    const path = '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters';
    client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error) => resolve(error?.code));
  });
  assert.equal(code, status.UNIMPLEMENTED);
});

test('C3: the node of the first request counts for the whole stream; without one the stream ends', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' }, LDS: { l: '1' } });
  server.publish({ CDS: { other: '1' } }, 'ns~other');
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('LDS');
    assert.equal(await stream.next(), 'LDS l@1');
    stream.ack('LDS');
    stream.ask('CDS');
    assert.equal(await stream.next(), 'CDS a@1');
    for (const node of [null, { cluster: 'no id' }]) {
      const without = new RawStream(context, server.port, variant);
      without.ask('LDS', { node });
      await fails(without, status.INVALID_ARGUMENT, /must carry node\.id/);
    }
  }
});

test('C4: another node id later ends the stream, and nothing of the other node is sent; the same id may come again', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  server.publish({ LDS: { other: '1' } }, 'ns~other');
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { node: 'n1' });
    stream.ask('CDS');
    assert.equal(await stream.next(), 'CDS a@1');
    stream.ack('CDS', { node: { id: 'n1', metadata: { role: 'ns~other' } } });
    await stream.quiet();
    stream.ask('LDS', { node: { id: 'n2', metadata: { role: 'ns~other' } } });
    await fails(stream, status.INVALID_ARGUMENT, /changed on the stream from n1 to n2/);
  }
});

test('a refusal that quotes what is as long as a request may be reaches its client', async (context) => {
  const server = await serveWorld(context);
  const long = '\u{1f511}'.repeat(250_000);
  const later = new RawStream(context, server.port, 'delta');
  later.ask('CDS');
  await later.next();
  later.ask('CDS', { node: { id: long } });
  const clusters = new RawStream(context, server.port, 'delta', { service: serviceOf('CDS') });
  clusters.ask(long);
  for (const [stream, message] of [
    [later, /^node\.id changed on the stream from node-1 to /],
    [clusters, /^this service serves \S+ only, not /],
  ] as const) {
    const { code, details } = await stream.failure;
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.match(details, message);
    assert(details.length < 5_000, `${details.length} characters`);
  }
});

test('C5: what becomes of one type does not touch another', async (context) => {
  const server = await serveWorld(context);
  server.publish({ GATEWAY: { a: '1' }, EDS: { e: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { node: variant });
    stream.ask('GATEWAY');
    assert.equal(await stream.next(), 'GATEWAY a@1');
    stream.ask('EDS', { names: ['e'] });
    assert.equal(await stream.next(), 'EDS e@1');
    stream.nack('GATEWAY', 'bad');
    stream.ack('EDS');
    await stream.quiet();
    server.publish({ EDS: { e: `2-${variant}` } });
    assert.equal(await stream.next(), `EDS e@2-${variant}`);
    stream.ack('EDS');
    await stream.quiet();
    const answers = server.outputs().filter(({ output }) => output.kind === 'acked' || output.kind === 'nacked');
    assert.deepEqual(
      answers.slice(-3).map(({ output }) => output.kind),
      ['nacked', 'acked', 'acked'],
    );
    server.publish({ EDS: { e: '1' } });
  }
});

test('C6: a type that is not served does not end the stream', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('foo.Bar', { names: ['x'] });
    if (variant === 'delta') assert.equal(await stream.next(), 'foo.Bar -x');
    stream.ask('foo.Everything');
    await stream.quiet();
    stream.ask('CDS');
    assert.equal(await stream.next(), 'CDS a@1');
  }
});

test('C7: a type is not sent before it is asked for on the stream', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ LDS: { l: '1' }, CDS: { a: '1' } });
    const stream = new RawStream(context, server.port, variant);
    stream.ask('LDS');
    assert.equal(await stream.next(), 'LDS l@1');
    stream.ack('LDS');
    server.publish({ CDS: { a: '2' } });
    await stream.quiet();
    stream.ask('CDS');
    assert.equal(await stream.next(), 'CDS a@2');
  }
});

test('C8: two streams of one node live each for itself', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const [one, two] = [openOn(context, server.port, variant), openOn(context, server.port, variant)];
    for (const stream of [one, two]) {
      stream.ask('CDS');
      await stream.next();
      stream.ack('CDS');
      await stream.settled();
    }
    server.publish({ CDS: { a: `2-${variant}` } });
    for (const stream of [one, two]) assert.equal(await stream.next(), `CDS a@2-${variant}`);
    two.ack('CDS');
    one.close();
    await until(() => server.live.size === 1);
    server.publish({ CDS: { a: `3-${variant}` } });
    assert.equal(await two.next(), `CDS a@3-${variant}`);
    assert.deepEqual(
      [...server.live.values()].map(({ node }) => node.id),
      ['node-1'],
    );
    two.close();
    await until(() => server.live.size === 0);
  }
});

function openOn(context: TestContext, port: number, variant: Variant): RawStream {
  return new RawStream(context, port, variant);
}
