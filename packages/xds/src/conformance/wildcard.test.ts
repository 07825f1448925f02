import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Variant } from '../protocol/message.ts';
import { RawStream } from '../testing/raw-stream.ts';
import { serveWorld } from '../testing/served-world.ts';

const BOTH: readonly Variant[] = ['sotw', 'delta'];

test('C25: naming nothing means everything until a name was said on the stream, and for types that have a wildcard', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { A: '1', B: '1' }, EDS: { A: '1' } });
  const sotw = new RawStream(context, server.port, 'sotw');
  sotw.ask('CDS', { names: [] });
  assert.equal(await sotw.next(), 'CDS A@1 B@1');
  sotw.ack('CDS', { names: ['*', 'A'] });
  assert.equal(await sotw.next(), 'CDS A@1 B@1', 'A was added (C30)');
  sotw.ack('CDS', { names: ['A'] });
  await sotw.quiet();
  server.publish({ CDS: { A: '1', B: '2' } });
  await sotw.quiet();
  server.publish({ CDS: { A: '2', B: '2' } });
  assert.equal(await sotw.next(), 'CDS A@2');
  sotw.ack('CDS', { names: [] });
  await sotw.quiet();
  server.publish({ CDS: { A: '3', B: '3' } });
  await sotw.quiet();

  const delta = new RawStream(context, server.port, 'delta');
  delta.ask('CDS');
  assert.equal(await delta.next(), 'CDS A@3 B@3');
  delta.ack('CDS', { names: ['A'] });
  assert.equal(await delta.next(), 'CDS A@3');
  delta.ack('CDS', { unsubscribe: ['*'] });
  await delta.quiet();
  server.publish({ CDS: { A: '4', B: '4' } });
  assert.equal(await delta.next(), 'CDS A@4');
  delta.ack('CDS', { unsubscribe: ['A'] });
  await delta.quiet();
  server.publish({ CDS: { A: '5', B: '5' } });
  await delta.quiet();

  for (const variant of BOTH) {
    const endpoints = new RawStream(context, server.port, variant);
    endpoints.ask('EDS', { names: [] });
    await endpoints.quiet();
  }
});

test('C26: the first request for everything is answered, even when there is nothing', async (context) => {
  const server = await serveWorld(context);
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    for (const type of ['LDS', 'CDS', 'GATEWAY']) {
      stream.ask(type);
      assert.equal(await stream.next(), type);
      stream.ack(type);
    }
    await stream.quiet();
  }
});

test('C27: names beside * are sent even if * does not cover them', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', 'b?': '1', 'c?': '1' } });
  for (const variant of BOTH) {
    const stream = new RawStream(context, server.port, variant);
    stream.ask('CDS', { names: ['*', 'b'] });
    assert.equal(await stream.next(), 'CDS a@1 b@1');
    stream.ack('CDS');
    await stream.quiet();
  }
});

test('C28: who unsubscribes a name and keeps * is told where it stands', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', 'b?': '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['*', 'a', 'b', 'z'] });
  assert.equal(await stream.next(), 'CDS a@1 b@1 -z');
  stream.ack('CDS', { unsubscribe: ['a'] });
  assert.equal(await stream.next(), 'CDS a@1');
  stream.ack('CDS', { unsubscribe: ['b', 'z'] });
  assert.equal(await stream.next(), 'CDS -b -z');
});

test('C29: a glob is a name that does not exist', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { 'edge/a': '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['edge/*'] });
  assert.equal(await stream.next(), 'CDS -edge/*');
  stream.ack('CDS');
  await stream.quiet();
});

test('C45: a cluster that is named beside a wildcard is sent, or said not to be there, at once', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1', 'c9?': '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('CDS', { names: ['*'] });
  assert.equal(await stream.next(), 'CDS a@1');
  stream.ack('CDS', { names: ['c9'] });
  assert.equal(await stream.next(), 'CDS c9@1');
  stream.ack('CDS', { names: ['c10'] });
  assert.equal(await stream.next(), 'CDS -c10');
  stream.ack('CDS');
  server.publish({ CDS: { a: '1', 'c9?': '1', 'c10?': '1' } });
  assert.equal(await stream.next(), 'CDS c10@1');
});
