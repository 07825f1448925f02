import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Variant } from '../protocol/message.ts';
import { contentVersion } from '../protocol/resources.ts';
import { RawStream, until } from '../testing/raw-stream.ts';
import { resourcesOf, serveWorld } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

type Server = Awaited<ReturnType<typeof serveWorld>>;

/** What became of responses, newest last. */
function answers(server: Server): readonly string[] {
  return server
    .outputs()
    .map(({ output }) => output.kind)
    .filter((kind) => kind !== 'respond');
}

test('C9: nonces are not empty, and each is used once on a stream', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' }, EDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    const nonces = new Set<string>();
    stream.ask('CDS');
    await stream.next();
    nonces.add(stream.last('CDS').nonce);
    stream.ask('EDS', { names: ['a'] });
    await stream.next();
    nonces.add(stream.last('EDS').nonce);
    stream.ack('CDS');
    await stream.quiet();
    server.publish({ CDS: { a: `2-${variant}` } });
    assert.equal(await stream.next(), `CDS a@2-${variant}`);
    nonces.add(stream.last('CDS').nonce);
    assert.equal(nonces.size, 3);
    assert(!nonces.has(''));
    server.publish({ CDS: { a: '1' } });
  }
});

test('C10: the newest nonce without error_detail is an ACK, and is not answered', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS');
    await stream.next();
    stream.ack('CDS');
    await stream.quiet();
    assert.equal(answers(server).at(-1), 'acked');
  }
});

test('C11: a NACK is told by error_detail, even with the version that was sent', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('EDS', { names: ['a', 'b'] });
  await stream.next();
  const { nonce, version } = stream.last('EDS');
  stream.ask('EDS', { nonce, version, error: 'b is bad' });
  await stream.quiet();
  assert.deepEqual(answers(server), ['nacked']);
});

test('C12: what was rejected is not sent again before it changes; what came meanwhile is sent at once', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    server.publish({ LDS: { l: '1' } });
    const stream = new RawStream(context, server.port, variant, { node: variant });
    stream.ask('LDS');
    await stream.next();
    stream.ack('LDS');
    await stream.settled();
    server.publish({ LDS: { l: '2' } });
    assert.equal(await stream.next(), 'LDS l@2');
    stream.nack('LDS', 'no');
    await stream.quiet();
    server.publish({ LDS: { l: '2' } });
    await stream.quiet();
    server.publish({ LDS: { l: '3' } });
    assert.equal(await stream.next(), 'LDS l@3');
    server.publish({ LDS: { l: '4' } });
    await stream.quiet();
    stream.nack('LDS', 'no');
    assert.equal(await stream.next(), 'LDS l@4');
  }
});

test('C13: an error_detail that is repeated with the same nonce counts once, and the names with it count', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1', b: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { node: variant });
    const before = answers(server).length;
    stream.ask('EDS', { names: ['a'] });
    assert.equal(await stream.next(), 'EDS a@1');
    stream.nack('EDS', 'no');
    stream.nack('EDS', 'no', { names: variant === 'sotw' ? ['a', 'b'] : ['b'] });
    assert.equal(await stream.next(), 'EDS b@1');
    assert.deepEqual(answers(server).slice(before), ['nacked']);
  }
});

test('C14: after a NACK nothing of the response is taken as held; a list of the bad ones confirms the others', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant, { node: variant });
    server.publish({ CDS: { good: '1', bad: '1' } });
    stream.ask('CDS');
    await stream.next();
    stream.ack('CDS');
    await stream.settled();
    server.publish({ CDS: { good: '2', bad: '2' } });
    await stream.next();
    stream.nack('CDS', 'something is wrong');
    await stream.quiet();
    server.publish({ CDS: { good: '2', bad: '3' } });
    assert.equal(await stream.next(), 'CDS bad@3 good@2', 'good was not confirmed');
    stream.nack('CDS', 'Error adding/updating cluster(s) bad: no such thing');
    await stream.quiet();
    server.publish({ CDS: { good: '2', bad: '4' } });
    assert.equal(await stream.next(), variant === 'sotw' ? 'CDS bad@4 good@2' : 'CDS bad@4');
    stream.ack('CDS');
    server.publish({ CDS: { good: '2', bad: '5' } });
    await stream.next();
    stream.nack('CDS', '[{"key":"bad","warn":"half of it does nothing"}]');
    await stream.quiet();
    server.publish({ CDS: { good: '2', bad: '4' } });
    assert.equal(
      await stream.next(),
      variant === 'sotw' ? 'CDS bad@4 good@2' : 'CDS bad@4',
      'what it warned of is held',
    );
    stream.close();
  }
});

test('C15: in state of the world a request on a stale nonce is ignored; the next one restates its names', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1', b: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('EDS', { names: ['a'] });
  await stream.next();
  const stale = stream.last('EDS').nonce;
  stream.ack('EDS');
  await stream.settled();
  server.publish({ EDS: { a: '2', b: '1' } });
  assert.equal(await stream.next(), 'EDS a@2');
  const before = answers(server).length;
  stream.ask('EDS', { names: ['a', 'b'], nonce: stale });
  await stream.quiet();
  assert.equal(answers(server).length, before);
  stream.ack('EDS', { names: ['a', 'b'] });
  assert.equal(await stream.next(), 'EDS b@1');
});

test('C16: the first request of a type is taken whatever its nonce', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS', { nonce: '77', version: 'v9' });
    assert.equal(await stream.next(), 'CDS a@1');
  }
});

test('C17: the newest nonce with the old version and no error is neither ACK nor reason to send again', async (context) => {
  const server = await serveWorld(context);
  server.publish({ EDS: { a: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('EDS', { names: ['a'] });
  await stream.next();
  stream.ask('EDS', { names: [], version: 'old', nonce: stream.last('EDS').nonce });
  await stream.quiet();
  assert.deepEqual(answers(server), ['unwatched']);
  // Envoy answers so what it has no type for at all.
  stream.ask('', { nonce: stream.last('EDS').nonce });
  await stream.quiet();
});

test('C18: a response that is never answered does not hold newer content back for ever', async (context) => {
  const server = await serveWorld(context, { limits: { ackTimeoutMs: 100 } });
  for (const variant of BOTH) {
    server.publish({ CDS: { a: '1' } });
    const stream = new RawStream(context, server.port, variant, { node: variant });
    stream.ask('CDS');
    await stream.next();
    await sleep(150);
    await stream.quiet();
    server.publish({ CDS: { a: '2' } });
    assert.equal(await stream.next(), 'CDS a@2');
    assert.equal(answers(server).at(-1), 'stale');
    stream.ack('CDS');
    await stream.quiet();
    assert.equal(answers(server).at(-1), 'acked');
    stream.close();
  }
});

test('C19: a version is of its type alone, is never empty, and changes with the content only', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { c: '1' }, EDS: { e: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('CDS');
  await stream.next();
  stream.ask('EDS', { names: ['e'] });
  await stream.next();
  const [cds, eds] = [stream.last('CDS').version, stream.last('EDS').version];
  assert(cds !== '' && eds !== '');
  stream.ack('CDS');
  stream.ack('EDS');
  await stream.settled();
  server.publish({ EDS: { e: '2' } });
  assert.equal(await stream.next(), 'EDS e@2');
  assert.notEqual(stream.last('EDS').version, eds);
  stream.ack('EDS');
  await stream.quiet();
  assert.equal(stream.last('CDS').version, cds);
});

test('C20: a version is the content: equal after a restart, whatever order it was put together in', async (context) => {
  const versions: string[] = [];
  for (const content of [
    { a: '1', b: '2' },
    { b: '2', a: '1' },
    { a: '1', b: '3' },
  ]) {
    const server = await serveWorld(context);
    server.publish({ CDS: content });
    const stream = new RawStream(context, server.port, 'sotw');
    stream.ask('CDS');
    await stream.next();
    versions.push(stream.last('CDS').version);
    await server.close();
  }
  assert.equal(versions[0], versions[1]);
  assert.notEqual(versions[0], versions[2]);
  assert.equal(versions[0], contentVersion([...resourcesOf({ a: '1', b: '2' }).values()]));
});

test('C21: a client that has acknowledged a cluster is known to have acknowledged it, not more', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { c: '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS');
    await stream.next();
    stream.ack('CDS');
    await until(() => answers(server).at(-1) === 'acked');
    await stream.settled();
    assert.deepEqual([...new Set(answers(server))], ['acked'], 'endpoints that never come change nothing about it');
  }
});
