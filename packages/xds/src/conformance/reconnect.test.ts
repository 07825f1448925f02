import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawStream, until } from '../testing/raw-stream.ts';
import { serveWorld } from '../testing/served-world.ts';

test('C22: a wildcard client that runs what there is hears nothing; who names resources is always answered', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' }, EDS: { a: '1' } });
  const first = new RawStream(context, server.port, 'sotw');
  first.ask('CDS');
  await first.next();
  first.ask('EDS', { names: ['a'] });
  await first.next();
  const [cds, eds] = [first.last('CDS').version, first.last('EDS').version];
  first.close();
  const again = new RawStream(context, server.port, 'sotw');
  again.ask('CDS', { version: cds });
  await again.quiet();
  assert.equal(server.outputs().at(-1)?.output.kind, 'current');
  again.ask('EDS', { names: ['a'], version: eds });
  assert.equal(await again.next(), 'EDS a@1');
  server.publish({ CDS: { a: '2' } });
  assert.equal(await again.next(), 'CDS a@2');
  const outdated = new RawStream(context, server.port, 'sotw');
  outdated.ask('CDS', { version: cds });
  assert.equal(await outdated.next(), 'CDS a@2');
});

test('C23: a reconnecting client gets what differs and hears what is gone; a second map is ignored', async (context) => {
  const server = await serveWorld(context);
  server.publish({ GATEWAY: { a: '1', b: '2' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('GATEWAY', { held: { a: '1', b: '1', c: '1' } });
  assert.equal(await stream.next(), 'GATEWAY b@2 -c');
  stream.ack('GATEWAY', { held: { z: '1' } });
  await stream.quiet();
  const current = new RawStream(context, server.port, 'delta', { node: 'current' });
  current.ask('GATEWAY', { held: { a: '1', b: '2' } });
  assert.equal(await current.next(), 'GATEWAY', 'one empty answer (C26)');
  current.ack('GATEWAY');
  // Envoy does not list what it took of a response that it rejected, and would keep it for ever.
  server.publish({ GATEWAY: { a: '1', b: '2', good: '1', bad: '1' } });
  assert.equal(await current.next(), 'GATEWAY bad@1 good@1');
  current.nack('GATEWAY', 'Error adding/updating listener(s) bad: no');
  await current.quiet();
  current.close();
  await until(() => server.live.size === 1);
  server.publish({ GATEWAY: { a: '1', b: '2', bad: '1' } });
  const again = new RawStream(context, server.port, 'delta', { node: 'current' });
  again.ask('GATEWAY', { held: { a: '1', b: '2' } });
  assert.equal(await again.next(), 'GATEWAY -good', 'and what it rejected is not sent to it again');
  again.close();
  await until(() => server.live.size === 1);
  const third = new RawStream(context, server.port, 'delta', { node: 'current' });
  third.ask('GATEWAY', { held: { a: '1', b: '2' } });
  assert.equal(await third.next(), 'GATEWAY -good', 'it has not answered, and may hold it still');
  third.ack('GATEWAY');
  await third.quiet();
  third.close();
  await until(() => server.live.size === 1);
  const fourth = new RawStream(context, server.port, 'delta', { node: 'current' });
  fourth.ask('GATEWAY', { held: { a: '1', b: '2' } });
  assert.equal(await fourth.next(), 'GATEWAY', 'it is gone there');
});

test('what a client took of a response whose NACK was lost with the stream is taken away when it is gone', async (context) => {
  const server = await serveWorld(context);
  for (const [variant, type, expected] of [
    ['delta', 'GATEWAY', 'GATEWAY -bad -good'],
    ['sotw', 'CDS', 'CDS a@1'],
  ] as const) {
    server.publish({ [type]: { a: '1' } });
    const stream = new RawStream(context, server.port, variant, { node: variant });
    stream.ask(type);
    await stream.next();
    const { version } = stream.last(type);
    stream.ack(type);
    await stream.quiet();
    server.publish({ [type]: { a: '1', good: '1', bad: '1' } });
    assert.match(await stream.next(), /bad@1 good@1$/);
    stream.close();
    await until(() => server.live.size === 0);
    server.publish({ [type]: { a: '1' } });
    const again = new RawStream(context, server.port, variant, { node: variant });
    again.ask(type, { held: { a: '1' }, version });
    assert.equal(await again.next(), expected);
    again.close();
    await until(() => server.live.size === 0);
  }
});

test('who runs the version whose ACK was lost with the stream hears nothing', async (context) => {
  const server = await serveWorld(context);
  server.publish({ CDS: { a: '1' } });
  const stream = new RawStream(context, server.port, 'sotw');
  stream.ask('CDS');
  await stream.next();
  const { version } = stream.last('CDS');
  stream.close();
  await until(() => server.live.size === 0);
  const again = new RawStream(context, server.port, 'sotw');
  again.ask('CDS', { version });
  await again.quiet();
});

test('what is rejected is not sent again while the stream on which it was rejected hangs', async (context) => {
  const server = await serveWorld(context);
  for (const [variant, type, expected] of [
    ['delta', 'GATEWAY', 'GATEWAY c@1'],
    ['sotw', 'CDS', 'CDS a@1 c@1'],
  ] as const) {
    server.publish({ [type]: { a: '1' } });
    const hanging = new RawStream(context, server.port, variant, { node: variant });
    hanging.ask(type);
    await hanging.next();
    const { version } = hanging.last(type);
    hanging.ack(type);
    await hanging.quiet();
    server.publish({ [type]: { a: '1', b: '1' } });
    assert.match(await hanging.next(), /b@1$/);
    hanging.nack(type, '[{"key":"b","error":"no"}]');
    await hanging.quiet();
    server.publish({ [type]: { a: '1', b: '1', c: '1' } });
    await hanging.next();
    const again = new RawStream(context, server.port, variant, { node: variant });
    again.ask(type, { held: { a: '1' }, version });
    assert.equal(await again.next(), expected);
    again.ack(type);
    await again.quiet();
    // Who runs nothing yet is another process.
    const started = new RawStream(context, server.port, variant, { node: variant });
    started.ask(type);
    assert.match(await started.next(), / a@1 b@1 c@1$/);
  }
});

test('what a node has left unsettled is not told to one of another gateway that has its id', async (context) => {
  const server = await serveWorld(context);
  server.publish({ GATEWAY: { secret: '1' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('GATEWAY');
  assert.equal(await stream.next(), 'GATEWAY secret@1');
  stream.nack('GATEWAY', 'something is wrong');
  await stream.quiet();
  stream.close();
  await until(() => server.live.size === 0);
  const other = new RawStream(context, server.port, 'delta', { role: 'ns~other' });
  other.ask('GATEWAY', { held: { own: '1' } });
  assert.equal(await other.next(), 'GATEWAY -own');
});

test('C24: what a client names and holds is not sent again on a new stream, but for endpoints', async (context) => {
  const server = await serveWorld(context);
  server.publish({ RDS: { r: '5', s: '2' }, EDS: { a: '5' } });
  const stream = new RawStream(context, server.port, 'delta');
  stream.ask('EDS', { names: ['a'], held: { a: '5' } });
  assert.equal(await stream.next(), 'EDS a@5');
  stream.ask('RDS', { names: ['r', 's'], held: { r: '5', s: '1' } });
  assert.equal(await stream.next(), 'RDS s@2');
  stream.ack('RDS', { names: ['r'] });
  assert.equal(await stream.next(), 'RDS r@5', 'later a name is always sent (C35)');
});
