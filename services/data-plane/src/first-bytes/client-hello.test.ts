import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { readClientHello } from './client-hello.ts';

/** The first flight of Node's own TLS client. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ ...options, port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  return bytes;
}

/** The same message in records of so many bytes each. */
function fragmented(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

function block(size: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(parts);
  const head = Buffer.alloc(size);
  head.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([head, bytes]);
}

/** A ClientHello of TLS 1.2 with these extensions, in one record. */
function hello(extensions?: Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    block(1),
    block(2, Buffer.from([0xc0, 0x2f])),
    block(1, Buffer.from([0])),
    ...(extensions === undefined ? [] : [block(2, extensions)]),
  ]);
  return Buffer.concat([Buffer.from([22, 3, 1]), block(2, Buffer.from([1]), block(3, body))]);
}

function serverName(...names: readonly string[]): Buffer {
  const list = names.map((name) => Buffer.concat([Buffer.from([0]), block(2, Buffer.from(name, 'latin1'))]));
  return Buffer.concat([Buffer.from([0, 0]), block(2, block(2, ...list))]);
}

function foundIn(bytes: Buffer): unknown {
  const reading = readClientHello(bytes);
  return reading.kind === 'found' ? reading.found : reading;
}

test('the server name of real clients, in one record or in many', async () => {
  const cases: readonly (readonly [ConnectionOptions, string | undefined])[] = [
    [{ servername: 'a.example.com' }, 'a.example.com'],
    [{ servername: 'B.Example.COM', maxVersion: 'TLSv1.2' }, 'b.example.com'],
    [{ servername: 'c.example.com', ALPNProtocols: ['h2', 'http/1.1'], minVersion: 'TLSv1.3' }, 'c.example.com'],
    [{ maxVersion: 'TLSv1.2' }, undefined],
  ];
  for (const [options, name] of cases) {
    const bytes = await helloOf(options);
    const found = name === undefined ? {} : { serverName: name };
    assert.deepEqual(readClientHello(bytes), { kind: 'found', found, length: 0 });
    for (const size of [1, 3, 4, 100]) assert.deepEqual(foundIn(fragmented(bytes, size)), found);
    for (let length = 0; length < bytes.length; length++) {
      const reading = readClientHello(bytes.subarray(0, length));
      assert.ok(reading.kind === 'more' && reading.needed > length && reading.needed <= bytes.length);
    }
  }
});

describe('what a ClientHello may be', () => {
  const cases: readonly (readonly [string, Buffer, unknown])[] = [
    ['without extensions', hello(), {}],
    ['with none in it', hello(Buffer.alloc(0)), {}],
    ['with a final dot', hello(serverName('a.example.com.')), { serverName: 'a.example.com' }],
    ['with bytes after it', Buffer.concat([hello(serverName('a')), Buffer.from([20, 3, 3])]), { serverName: 'a' }],
  ];
  for (const [name, bytes, found] of cases) test(name, () => assert.deepEqual(foundIn(bytes), found));
});

describe('what is none is refused', () => {
  const wrong = hello(serverName('a'));
  wrong.writeUInt16BE(0xffff, wrong.length - 3);
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'this is no TLS handshake'],
    ['one byte that is none', Buffer.from('G'), 'this is no TLS handshake'],
    ['another major version', Buffer.from([22, 2, 1, 0, 9]), 'a record is none of TLS'],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0]), 'a record is none of TLS'],
    ['a ServerHello', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]), 'the handshake does not begin with a ClientHello'],
    ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 0]), 'it is longer than 16384 bytes'],
    ['a message that is too long', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x40, 0]), 'it is longer than 16384 bytes'],
    ['a length beyond the end', wrong, 'a length in it is wrong'],
    ['two names', hello(serverName('a', 'b')), 'it has more than one server name'],
    [
      'the extension twice',
      hello(Buffer.concat([serverName('a'), serverName('b')])),
      'it has more than one server name',
    ],
    ['a name with a zero in it', hello(serverName('a\0b')), 'its server name is not ASCII text'],
    ['an empty name', hello(serverName('')), 'its server name is not ASCII text'],
  ];
  for (const [name, bytes, error] of cases) {
    test(name, () => assert.deepEqual(readClientHello(bytes), { kind: 'malformed', error: `ClientHello: ${error}` }));
  }
});

test('whatever comes, the answer is one, the same at every length from which it is known, and bounded', () => {
  const valid = hello(serverName('a.example.com'));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.concat([Buffer.from([22, 3, 1]), some])),
    fc
      .record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), size: fc.integer({ min: 1, max: 90 }) })
      .map(({ at, to, size }) => {
        const changed = Buffer.from(fragmented(valid, size));
        changed[at % changed.length] = to;
        return changed;
      }),
  );
  fc.assert(
    fc.property(bytes, (all) => {
      let answer: unknown;
      for (let length = 1; length <= all.length; length++) {
        const reading = readClientHello(all.subarray(0, length));
        if (reading.kind === 'more') {
          assert.equal(answer, undefined);
          assert.ok(reading.needed > length && reading.needed <= 16_384);
          continue;
        }
        answer ??= reading;
        assert.deepEqual(reading, answer);
      }
    }),
    { numRuns: 2_000 },
  );
});
