import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Variant } from '../protocol/message.ts';
import { RawStream, until } from '../testing/raw-stream.ts';
import { serveWorld, type World } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

const FIRST: World = { CDS: { x: '1' }, EDS: { x: '1' }, LDS: { l: '1' }, RDS: { r: 'to-x' } };

/** A client that runs a route to cluster x, in the order in which Envoy asks. */
async function atRest(context: TestContext, port: number, variant: Variant): Promise<RawStream> {
  const stream = new RawStream(context, port, variant, { node: variant });
  stream.ask('CDS');
  assert.equal(await stream.next(), 'CDS x@1');
  stream.ask('EDS', { names: ['x'] });
  assert.equal(await stream.next(), 'EDS x@1', 'endpoints are sent before the cluster is acknowledged (C52)');
  stream.ack('CDS');
  stream.ask('LDS');
  assert.equal(await stream.next(), 'LDS l@1');
  stream.ack('EDS');
  stream.ack('LDS');
  stream.ask('RDS', { names: ['r'] });
  assert.equal(await stream.next(), 'RDS r@to-x');
  stream.ack('RDS');
  await stream.quiet();
  return stream;
}

test('C49: what is pointed at is sent first, and taken away last; not while the new route is refused', async (context) => {
  const server = await serveWorld(context, { limits: { drainTimeoutMs: 300 } });
  for (const variant of BOTH) {
    server.publish(FIRST);
    const stream = await atRest(context, server.port, variant);
    const endpoints = variant === 'sotw' ? ['x', 'y'] : ['y'];
    server.publish({ CDS: { y: '1' }, EDS: { y: '1' }, RDS: { r: 'to-y' } });
    assert.equal(await stream.next(), variant === 'sotw' ? 'CDS x@1 y@1' : 'CDS y@1');
    await stream.quiet();
    stream.ask('EDS', { names: endpoints, nonce: stream.last('EDS').nonce });
    assert.equal(await stream.next(), 'EDS y@1');
    stream.ack('EDS');
    stream.ack('CDS');
    assert.equal(await stream.next(), 'RDS r@to-y');
    stream.nack('RDS', 'no');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await stream.quiet();
    server.publish({ RDS: { r: 'to-y-2' } });
    assert.equal(await stream.next(), 'RDS r@to-y-2');
    stream.ack('RDS');
    assert.equal(await stream.next(), variant === 'sotw' ? 'CDS y@1' : 'CDS -x');
    stream.close();
  }
});

test('C50: a changed cluster gets its endpoints again, though they did not change', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish(FIRST);
    const stream = await atRest(context, server.port, variant);
    server.publish({ CDS: { x: '2' } });
    assert.equal(await stream.next(), 'CDS x@2');
    assert.equal(await stream.next(), 'EDS x@1');
    stream.close();
  }
});

test('C51: what is not asked for does not hold back what is, nor does what does not exist', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1', b: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('EDS', { names: ['a', 'gone'] });
    assert.equal(await stream.next(), variant === 'sotw' ? 'EDS a@1' : 'EDS a@1 -gone');
  }
});

test('C52: endpoints that are asked for before the clusters are acknowledged are sent', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish(FIRST);
    const stream = await atRest(context, server.port, variant);
    server.publish({ CDS: { x: '1', new: '1' }, EDS: { x: '1', new: '1' } });
    assert.equal(await stream.next(), variant === 'sotw' ? 'CDS new@1 x@1' : 'CDS new@1');
    stream.ask('EDS', { names: variant === 'sotw' ? ['x', 'new'] : ['new'], nonce: stream.last('EDS').nonce });
    assert.equal(await stream.next(), 'EDS new@1');
    stream.close();
  }
});

test('C53: one response of a type is in flight; fifty changes meanwhile are one more; other types go on', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ CDS: { a: '1' }, EDS: { a: '1' } });
    const stream = new RawStream(context, server.port, variant);
    stream.ask('EDS', { names: ['a'] });
    await stream.next();
    stream.ack('EDS');
    stream.ask('CDS');
    await stream.next();
    for (let version = 2; version <= 50; version += 1)
      server.publish({ CDS: { a: String(version), [`x${version}`]: '1' } });
    server.publish({ CDS: { a: '50' }, EDS: { a: '2' } });
    assert.deepEqual(await stream.settled(), ['EDS a@2']);
    stream.ack('CDS');
    assert.equal(await stream.next(), 'CDS a@50');
    stream.ack('CDS');
    await stream.quiet();
  }
});

test('C55: who does not read is sent one response, and nobody waits for it', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ CDS: { a: '1' } });
    const stuck = new RawStream(context, server.port, variant, { node: 'stuck' });
    stuck.ask('CDS');
    await stuck.next();
    stuck.pause();
    stuck.ack('CDS');
    const reader = new RawStream(context, server.port, variant, { node: 'reader' });
    reader.ask('CDS');
    await reader.next();
    reader.ack('CDS');
    await reader.settled();
    const before = server.outputs().length;
    for (let version = 2; version <= 200; version += 1) {
      server.publish({ CDS: { a: String(version), [`long-${'x'.repeat(4_000)}`]: 'y'.repeat(100_000) + version } });
    }
    assert.match(await reader.next(), /^CDS a@2 /);
    const id = [...server.live.values()].find(({ node }) => node.id === 'stuck')?.id;
    const sent = server
      .outputs()
      .slice(before)
      .filter(({ stream, output }) => stream === id && output.kind === 'respond');
    assert.equal(sent.length, 1);
    stuck.close();
    reader.close();
    await until(() => server.live.size === 0);
  }
});

test('who answers what it has not read is not sent more, and heard again when it reads', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { [`long-${'x'.repeat(100_000)}`]: '1' } });
  const stuck = new RawStream(context, server.port, 'delta');
  stuck.ask('CDS');
  await stuck.next();
  stuck.pause();
  const responses = (): number => server.outputs().filter(({ output }) => output.kind === 'respond').length;
  // Nonces can be foreseen.
  for (let nonce = 1; nonce <= 100; nonce += 1) stuck.ask('CDS', { names: ['*'], nonce: String(nonce) });
  for (let before = -1; before < responses(); await sleep(300)) before = responses();
  // As many as its HTTP/2 window takes go out.
  assert(responses() < 50, `${responses()} responses of 200 kB were made for a client that does not read`);
  stuck.resume();
  await until(() => responses() === 101);
  for (let nonce = 1; nonce <= 100; nonce += 1) assert.match(await stuck.next(), /^CDS long-x+@1$/);
});

test('C56: a large delta comes in parts that together are all, with no name twice', async (context) => {
  const server = await serveWorld(context, { limits: { splitBytes: 100 } });
  const names = Array.from({ length: 100 }, (_, index) => `n${String(index).padStart(3, '0')}`);
  server.publish({ CDS: Object.fromEntries(names.map((name) => [name, '1'])) });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS');
  const seen: string[] = [];
  let parts = 0;
  while (seen.length < names.length) {
    seen.push(...(await stream.next()).split(' ').slice(1));
    parts += 1;
    stream.ack('CDS');
  }
  await stream.quiet();
  assert.deepEqual(
    seen.sort(),
    names.map((name) => `${name}@1`),
  );
  assert(parts > 3, `${parts} parts`);
});
