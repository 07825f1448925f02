import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { FLAG, FRAME } from '../http2/protocol.ts';
import { frame, literal, PSEUDO, rawClient } from '../testing/http2-client.ts';
import { Http2Exchange } from './http2-exchange.ts';

test('a body that comes byte by byte waits in few pieces, and is whole', async () => {
  const client = rawClient();
  const exchange = new Http2Exchange(client.post(1), '192.0.2.1');
  const { body } = exchange;
  const sent = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251));
  for (const [index, byte] of sent.entries()) {
    const isLast = index === sent.length - 1;
    client.send(FRAME.DATA, isLast ? FLAG.END_STREAM : 0, 1, Buffer.from([byte]));
  }
  const pieces: Buffer[] = [];
  for await (const piece of body ?? []) pieces.push(piece);
  assert.ok(pieces.length < 10, `${pieces.length} pieces`);
  assert.ok(Buffer.concat(pieces).equals(sent), 'as it was sent');
});

test('pieces of a body that waits do not keep alive what was read with them', async () => {
  const client = rawClient();
  const { body } = new Http2Exchange(client.post(1), '192.0.2.1');
  const unknown = frame(0xbe, 0, 0, Buffer.alloc(16_384));
  for (let n = 0; n < 4; n += 1) {
    client.session.receive(Buffer.concat([frame(FRAME.DATA, 0, 1, Buffer.from('a')), unknown, unknown, unknown]));
  }
  client.send(FRAME.DATA, FLAG.END_STREAM, 1);
  const pieces: Buffer[] = [];
  for await (const piece of body ?? []) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), 'aaaa');
  const kept = [...new Set(pieces.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(kept <= 2 * Buffer.poolSize, `${kept} bytes are kept alive`);
});

test('the window of a body that waits is given back when it is read', async () => {
  const client = rawClient({ windowBytes: 1_000, connectionWindowBytes: 65_535 });
  const { body } = new Http2Exchange(client.post(1), '192.0.2.1');
  for (let n = 0; n < 1_000; n += 1) client.send(FRAME.DATA, 0, 1, Buffer.from('a'));
  const updates = () => client.take().filter(({ type, id }) => type === FRAME.WINDOW_UPDATE && id === 1);
  assert.deepEqual(updates(), []);
  let read = 0;
  body?.on('data', (piece: Buffer) => {
    read += piece.length;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(read, 1_000);
  const given = updates().reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  assert.ok(given >= 500, `${given} bytes`);
});

test('what waited of a tunnel is given back when it is read, though its client has ended its side', async () => {
  const client = rawClient({ connectionWindowBytes: 65_535 });
  const connect = [[':method', 'CONNECT'], [':protocol', 'websocket'], ...PSEUDO.slice(1)] as const;
  const block = Buffer.concat(connect.map(([name, value]) => literal(name, value)));
  client.send(FRAME.HEADERS, FLAG.END_HEADERS, 1, block);
  const [stream] = client.seen.streams;
  const exchange = new Http2Exchange(stream ?? assert.fail('no stream'), '192.0.2.1');
  const tunnel = exchange.upgrade?.accept('websocket', []) ?? assert.fail('no tunnel');
  for (let n = 0; n < 10; n += 1) client.send(FRAME.DATA, n === 9 ? FLAG.END_STREAM : 0, 1, Buffer.alloc(5_000));
  let read = 0;
  tunnel.on('data', (piece: Buffer) => {
    read += piece.length;
  });
  await once(tunnel, 'end');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([read, tunnel.destroyed], [50_000, false]);
  const updates = client.take().filter(({ type, id }) => type === FRAME.WINDOW_UPDATE && id === 0);
  const given = updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  assert.ok(given > 32_768, `${given} bytes`);
});
