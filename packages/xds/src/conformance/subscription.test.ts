import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Variant } from '../protocol/message.ts';
import { RawStream } from '../testing/raw-stream.ts';
import { serveWorld, TYPES } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

test('C30: in state of the world added names are sent, also those that were sent before', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { A: '1', B: '1' }, CDS: { A: '1', B: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('EDS', { names: ['A'] });
  assert.equal(await stream.next(), 'EDS A@1');
  stream.ack('EDS', { names: ['A', 'B'] });
  assert.equal(await stream.next(), 'EDS B@1');
  stream.ack('EDS', { names: ['A'] });
  await stream.quiet();
  stream.ack('EDS', { names: ['A', 'B'] });
  assert.equal(await stream.next(), 'EDS B@1');
  stream.ask('CDS', { names: ['A'] });
  assert.equal(await stream.next(), 'CDS A@1');
  stream.ack('CDS', { names: ['A', 'B'] });
  assert.equal(await stream.next(), 'CDS A@1 B@1');
});

test('C31: a name that does not exist is said to be removed, at once', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { A: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  for (const type of ['EDS', 'RDS', 'foo.Bar']) {
    stream.ask(type, { names: ['Z'] });
    assert.equal(await stream.next(), `${type} -Z`);
  }
  stream.ask('CDS', { names: ['A', 'Z'] });
  assert.equal(await stream.next(), 'CDS A@1 -Z');
});

test('C32: in state of the world nothing is said of what does not exist, but by clusters and listeners', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { A: '1' }, CDS: { A: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('RDS', { names: ['Z'] });
  await stream.quiet();
  stream.ask('EDS', { names: ['A', 'Z'] });
  assert.equal(await stream.next(), 'EDS A@1');
  stream.ask('CDS', { names: ['Z'] });
  assert.equal(await stream.next(), 'CDS');
});

test('C33: a name that does not exist is remembered, and sent when it does', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ EDS: {} });
    const stream = new RawStream(context, server.port, variant);
    stream.ask('EDS', { names: ['Z'] });
    if (variant === 'delta') {
      assert.equal(await stream.next(), 'EDS -Z');
      stream.ack('EDS');
    }
    await stream.quiet();
    server.publish({ EDS: { Z: '1' } });
    assert.equal(await stream.next(), 'EDS Z@1');
  }
});

test('C34: nothing is sent when nothing has changed', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ CDS: { a: '1' }, EDS: { a: '1' } });
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS');
    await stream.next();
    stream.ask('EDS', { names: ['a'] });
    await stream.next();
    stream.ack('CDS');
    stream.ack('EDS');
    await stream.quiet();
    if (variant === 'sotw') stream.ack('EDS', { names: ['a'] });
    server.publish({ CDS: { a: '1' }, EDS: { a: '1', b: '1' } });
    await stream.quiet();
  }
});

test('C35: who subscribes again is sent again', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '3', b: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['a'] });
  assert.equal(await stream.next(), 'CDS a@3');
  stream.ack('CDS', { names: ['a'] });
  assert.equal(await stream.next(), 'CDS a@3');
  stream.ack('CDS', { names: ['*'] });
  assert.equal(await stream.next(), 'CDS a@3 b@1');
  stream.ack('CDS', { names: ['*'] });
  assert.equal(await stream.next(), 'CDS a@3 b@1');
});

test('C36: who unsubscribes is not answered, nor told of changes; of both lists the second wins', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['a'] });
  await stream.next();
  stream.ack('CDS', { unsubscribe: ['a', 'never'] });
  server.publish({ CDS: { a: '2', b: '1' } });
  await stream.quiet();
  stream.ask('CDS', { names: ['b'], unsubscribe: ['b'] });
  await stream.quiet();
  stream.ask('CDS', { names: ['a'] });
  assert.equal(await stream.next(), 'CDS a@2');
});

test('C37: subscriptions of a delta count whatever the nonce, answers only with the right one', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', x: '1', y: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['a'] });
  await stream.next();
  stream.ask('CDS', { nonce: 'unknown', names: ['x'], error: 'no' });
  await stream.quiet();
  assert.deepEqual(
    server.outputs().map(({ output }) => output.kind),
    ['respond'],
  );
  stream.ack('CDS', { names: ['y'], unsubscribe: ['a'] });
  assert.equal(await stream.next(), 'CDS x@1 y@1');
});

test('C38: of several requests that come together the last one counts', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1', b: '1', c: '1', d: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('EDS', { names: ['a'] });
    assert.equal(await stream.next(), 'EDS a@1');
    for (const name of ['b', 'c', 'd']) {
      const names = variant === 'sotw' ? ['a', 'b', 'c', 'd'].slice(0, 'abcd'.indexOf(name) + 1) : [name];
      stream.ask('EDS', { names, nonce: variant === 'sotw' ? 'unknown' : '' });
    }
    await stream.quiet();
    stream.ack('EDS', variant === 'sotw' ? { names: ['a', 'b', 'c', 'd'] } : {});
    assert.equal(await stream.next(), 'EDS b@1 c@1 d@1');
  }
});

test('C39: each resource of a delta has its own version, equal on every replica', async (context) => {
  const versions: string[] = [];
  for (const more of [{}, { b: '1' }]) {
    const server = await serveWorld(context);
    server.publish({ CDS: { a: 'hash-of-a', ...more } });
    const stream = new RawStream(context, server.port, 'delta');
    stream.ask('CDS', { names: ['a'] });
    versions.push(await stream.next());
  }
  assert.deepEqual(versions, ['CDS a@hash-of-a', 'CDS a@hash-of-a']);
});

test('C40: what is deleted and made again between two responses appears once, as it is at last', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['*', 'a', 'a'] });
  assert.equal(await stream.next(), 'CDS a@1 b@1');
  server.publish({ CDS: { b: '1' } });
  server.publish({ CDS: { a: '2', b: '1' } });
  server.publish({ CDS: { a: '3' } });
  stream.ack('CDS', { names: ['a'] });
  assert.equal(await stream.next(), 'CDS a@3 -b');
});

test('C41: the type of each resource is that of its response, and its name that which was subscribed', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { s: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('EDS', { names: ['s'] });
    assert.equal(await stream.next(), 'EDS s@1');
    const { message } = stream.last('EDS');
    const [resource] = message.resources;
    assert(resource !== undefined);
    const typeUrl = 'name' in resource ? resource.resource?.typeUrl : resource.typeUrl;
    assert.deepEqual([message.typeUrl, typeUrl], [TYPES['EDS'], TYPES['EDS']]);
  }
});

test('C42: in state of the world clusters and listeners come whole, other types only as far as they changed', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', b: '1' }, EDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('CDS');
  assert.equal(await stream.next(), 'CDS a@1 b@1');
  stream.ask('EDS', { names: ['a', 'b'] });
  assert.equal(await stream.next(), 'EDS a@1 b@1');
  stream.ack('CDS');
  stream.ack('EDS');
  await stream.quiet();
  server.publish({ CDS: { a: '1' } });
  assert.equal(await stream.next(), 'CDS a@1');
  server.publish({ EDS: { a: '2', b: '1' } });
  assert.equal(await stream.next(), 'EDS a@2');
  stream.ack('CDS');
  stream.ack('EDS');
  server.publish({ EDS: { a: '2' } });
  await stream.quiet();
  server.publish({ CDS: {} });
  assert.equal(await stream.next(), 'CDS');
});

test('C43: a removal goes to those who know the resource', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  const named = new RawStream(context, server.port, 'delta', { node: 'named' });
  stream.ask('CDS');
  await stream.next();
  named.ask('CDS', { names: ['a'] });
  await named.next();
  server.publish({ CDS: { a: '1', b: '1', z: '1' } });
  server.publish({ CDS: { a: '1' } });
  stream.ack('CDS');
  named.ack('CDS');
  assert.equal(await stream.next(), 'CDS -b', 'z came and went unseen');
  await named.quiet();
});
