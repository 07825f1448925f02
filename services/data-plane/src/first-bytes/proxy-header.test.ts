import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ProxyHeader, readProxyHeader } from './proxy-header.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const read = readProxyHeader('all');

/** A v2 header; the length is that of the block unless told. */
function v2(command: number, family: number, block: Buffer, length = block.length, version = 2): Buffer {
  const fixed = Buffer.from([(version << 4) | command, family, length >> 8, length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, block]);
}

function ports(from: number, to: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(from, 0);
  bytes.writeUInt16BE(to, 2);
  return bytes;
}

const V4 = Buffer.concat([Buffer.from([192, 0, 2, 7, 198, 51, 100, 1]), ports(56_324, 443)]);
const V6_TEXT = '2001:db8::7';
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  ports(65_535, 0),
]);
const TLV = Buffer.from([0x04, 0x00, 0x03, 1, 2, 3]);
const longestV1 = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`;

describe('a header says who the client is', () => {
  const cases: readonly (readonly [string, Buffer | string, ProxyHeader])[] = [
    ['TCP4', 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n', { client: { address: '192.0.2.7', port: 56_324 } }],
    ['TCP6', 'PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 65535\r\n', { client: { address: V6_TEXT, port: 1 } }],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n', { client: undefined }],
    ['UNKNOWN with more, as long as may be', longestV1, { client: undefined }],
    ['v2 INET', v2(1, 0x11, V4), { client: { address: '192.0.2.7', port: 56_324 } }],
    ['v2 INET with TLVs', v2(1, 0x11, Buffer.concat([V4, TLV])), { client: { address: '192.0.2.7', port: 56_324 } }],
    ['v2 INET6', v2(1, 0x21, V6), { client: { address: V6_TEXT, port: 65_535 } }],
    ['v2 UNIX', v2(1, 0x31, Buffer.alloc(216, 'a')), { client: undefined }],
    ['v2 datagrams', v2(1, 0x12, V4), { client: undefined }],
    ['v2 UNSPEC', v2(1, 0x00, Buffer.alloc(0)), { client: undefined }],
    ['v2 UNSPEC with bytes to skip', v2(1, 0x00, TLV), { client: undefined }],
    ['v2 LOCAL', v2(0, 0x00, Buffer.alloc(0)), { client: undefined }],
    ['v2 LOCAL whose family and addresses are ignored', v2(0, 0x11, TLV), { client: undefined }],
    ['v2 LOCAL of an unknown family', v2(0, 0xff, TLV), { client: undefined }],
    ['as long as v2 may be', v2(1, 0x00, Buffer.alloc(65_535)), { client: undefined }],
    ['HTTP', 'GET / HTTP/1.1\r\n', 'absent'],
    ['an empty line', '\r\nGET', 'absent'],
    ['PROXY as a method', 'PROXY/', 'absent'],
  ];
  for (const [name, bytes, found] of cases) {
    test(name, () => {
      const header = Buffer.from(bytes as Buffer);
      const length = found === 'absent' ? 0 : header.length;
      assert.deepEqual(read(Buffer.concat([header, Buffer.from('rest')])), { kind: 'found', found, length });
    });
  }
});

describe('a header that is none is refused', () => {
  const cases: readonly (readonly [string, Buffer | string, string])[] = [
    ['v1 too long', `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, 'v1 has no CRLF in 107 bytes'],
    ['v1 without CR', `PROXY TCP4 192.0.2.7 192.0.2.8 1 2\n${' '.repeat(80)}`, 'v1 has no CRLF in 107 bytes'],
    ['v1 of another family', 'PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n', 'v1 is neither TCP4, TCP6 nor UNKNOWN'],
    ['v1 without a family', 'PROXY \r\n', 'v1 is neither TCP4, TCP6 nor UNKNOWN'],
    ['v1 with two spaces', 'PROXY TCP4  192.0.2.7 192.0.2.8 1 2\r\n', 'v1 has no two addresses of TCP4'],
    ['v1 with the other family', 'PROXY TCP4 ::1 192.0.2.8 1 2\r\n', 'v1 has no two addresses of TCP4'],
    ['v1 with a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', 'v1 has no two addresses of TCP6'],
    ['v1 with a zero in front', 'PROXY TCP4 192.0.2.07 192.0.2.8 1 2\r\n', 'v1 has no two addresses of TCP4'],
    ['v1 with a port too high', 'PROXY TCP4 192.0.2.7 192.0.2.8 65536 2\r\n', 'v1 does not end in two ports'],
    ['v1 with a port that begins with 0', 'PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n', 'v1 does not end in two ports'],
    ['v1 without ports', 'PROXY TCP4 192.0.2.7 192.0.2.8\r\n', 'v1 does not end in two ports'],
    ['v1 with more', 'PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n', 'v1 does not end in two ports'],
    ['v2 of another version', v2(1, 0x11, V4, 12, 1), 'v2 has version 1 and command 1'],
    ['v2 of another command', v2(2, 0x11, V4), 'v2 has version 2 and command 2'],
    ['v2 of another family', v2(1, 0x41, V4), 'v2 has the family and transport 0x41'],
    ['v2 of another transport', v2(1, 0x13, V4), 'v2 has the family and transport 0x13'],
    ['v2 shorter than IPv4', v2(1, 0x11, V4, 11), 'v2 has a length of 11, and its addresses take 12'],
    ['v2 shorter than IPv6', v2(1, 0x21, V6, 35), 'v2 has a length of 35, and its addresses take 36'],
    ['v2 shorter than UNIX', v2(1, 0x31, V6), 'v2 has a length of 36, and its addresses take 216'],
  ];
  for (const [name, bytes, error] of cases) {
    test(name, () => {
      const reading = read(Buffer.from(bytes as Buffer));
      assert.deepEqual(reading, { kind: 'malformed', error: `PROXY header: ${error}` });
    });
  }
});

test('only the versions that are asked for count', () => {
  const one = Buffer.from('PROXY UNKNOWN\r\n');
  const two = v2(0, 0, Buffer.alloc(0));
  const absent = { kind: 'found', found: 'absent', length: 0 };
  assert.deepEqual(readProxyHeader('v2')(one), absent);
  assert.deepEqual(readProxyHeader('v1')(two), absent);
  assert.deepEqual(readProxyHeader('v1')(one), { kind: 'found', found: { client: undefined }, length: 15 });
  assert.deepEqual(readProxyHeader('v2')(two), { kind: 'found', found: { client: undefined }, length: 16 });
});

const port = fc.integer({ min: 0, max: 65_535 });
const header = fc.oneof(
  fc.record({ ip: fc.ipV4(), from: port }).map(({ ip, from }) => ({
    bytes: Buffer.from(`PROXY TCP4 ${ip} 192.0.2.1 ${from} 80\r\n`),
    family: 4,
    from,
  })),
  fc.record({ ip: fc.ipV6(), from: port }).map(({ ip, from }) => ({
    bytes: Buffer.from(`PROXY TCP6 ${ip} ::1 ${from} 80\r\n`),
    family: 6,
    from,
  })),
  fc
    .record({
      six: fc.boolean(),
      ip: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      from: port,
      tlvs: fc.uint8Array({ maxLength: 300 }),
    })
    .map(({ six, ip, from, tlvs }) => ({
      bytes: v2(1, six ? 0x21 : 0x11, Buffer.concat([ip.subarray(0, six ? 32 : 8), ports(from, 1), tlvs])),
      family: six ? 6 : 4,
      from,
    })),
);

test('a header is read whole however it is split, and nothing of what follows', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 40 }), ({ bytes, family, from }, rest) => {
      for (let length = 1; length < bytes.length; length++) {
        const reading = read(bytes.subarray(0, length));
        assert.ok(reading.kind === 'more' && reading.needed > length && reading.needed <= bytes.length);
      }
      const reading = read(Buffer.concat([bytes, rest]));
      assert.ok(reading.kind === 'found' && reading.found !== 'absent' && reading.found.client !== undefined);
      assert.equal(reading.length, bytes.length);
      assert.equal(isIP(reading.found.client.address), family);
      assert.equal(reading.found.client.port, from);
    }),
  );
});

/** Bytes that are nearly a header. */
const nearly = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([SIGNATURE, bytes])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from('PROXY '), bytes])),
  fc.record({ header, at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }).map(({ header: { bytes }, at, to }) => {
    const changed = Buffer.from(bytes);
    changed[at % changed.length] = to;
    return changed;
  }),
);

test('whatever comes, the answer is one, the same at every length from which it is known, and bounded', () => {
  fc.assert(
    fc.property(nearly, (bytes) => {
      let answer: unknown;
      for (let length = 1; length <= bytes.length; length++) {
        const reading = read(bytes.subarray(0, length));
        if (reading.kind === 'more') {
          assert.equal(answer, undefined);
          assert.ok(reading.needed > length && reading.needed <= 16 + 65_535);
          continue;
        }
        if (reading.kind === 'found') assert.ok(reading.length <= length);
        answer ??= reading;
        assert.deepEqual(reading, answer);
      }
    }),
    { numRuns: 2_000 },
  );
});
