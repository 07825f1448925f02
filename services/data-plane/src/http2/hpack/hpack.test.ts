import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError, ERROR } from '../protocol.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decodeHuffman, huffmanLength, writeHuffman } from './huffman.ts';

const BOUNDS = { bytes: 65_536, fields: 200 };

function decode(decoder: HpackDecoder, hex: string): readonly string[] {
  const decoded = decoder.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  return decoded.kind === 'fields' ? decoded.fields : assert.fail(decoded.kind);
}

const compressionError = (error: unknown) => error instanceof ConnectionError && error.code === ERROR.COMPRESSION_ERROR;

const FIRST = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
const SECOND = [...FIRST, 'cache-control', 'no-cache'];
const THIRD = [
  ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
  ...['custom-key', 'custom-value'],
];

/** RFC 7541, appendix C: three requests on one connection. */
const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  'C.3, plain': [
    '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '8286 84be 5808 6e6f 2d63 6163 6865',
    '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
  ],
  'C.4, Huffman': [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ],
};
for (const [name, blocks] of Object.entries(REQUESTS)) {
  test(`the requests of RFC 7541, ${name}`, () => {
    const decoder = new HpackDecoder(BOUNDS);
    assert.deepEqual(
      blocks.map((block) => decode(decoder, block)),
      [FIRST, SECOND, THIRD],
    );
  });
}

test('the fields of RFC 7541, C.2', () => {
  for (const [block, fields] of [
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['82', [':method', 'GET']],
  ] as const) {
    assert.deepEqual(decode(new HpackDecoder(BOUNDS), block), fields);
  }
});

test('answers whose table holds 256 bytes, so that entries are evicted (RFC 7541, C.5 and C.6)', () => {
  const [date, location] = ['Mon, 21 Oct 2013 20:13:21 GMT', 'https://www.example.com'];
  const later = 'Mon, 21 Oct 2013 20:13:22 GMT';
  const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
  const answers = [
    [':status', '302', 'cache-control', 'private', 'date', date, 'location', location],
    [':status', '307', 'cache-control', 'private', 'date', date, 'location', location],
    [
      ...[':status', '200', 'cache-control', 'private', 'date', later, 'location', location],
      ...['content-encoding', 'gzip', 'set-cookie', cookie],
    ],
  ];
  const plain = [
    `3fe101 4803 3330 3258 0770 7269 7661 7465 611d ${Buffer.from(date).toString('hex')} 6e17 ${Buffer.from(location).toString('hex')}`,
    '4803 3330 37c1 c0bf',
    `88c1 611d ${Buffer.from(later).toString('hex')} c05a 0467 7a69 7077 38 ${Buffer.from(cookie).toString('hex')}`,
  ];
  const huffman = [
    '3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    '4883 640e ffc1 c0bf',
    '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
  ];
  for (const blocks of [plain, huffman]) {
    const decoder = new HpackDecoder(BOUNDS);
    assert.deepEqual(
      blocks.map((block) => decode(decoder, block)),
      answers,
    );
  }
});

for (const [name, block] of Object.entries({
  'index 0': '80',
  'an index beyond the tables': 'be',
  'a name beyond the tables': '7f00 0161',
  'a string that is cut off': '400a 6375',
  'an integer that is cut off': 'ff',
  'an integer without an end': 'ffffffffffffffffff00',
  'a table size update after a field': '8220',
  'a table larger than allowed': '3fe21f',
  'Huffman padding of eight bits': '4082 1fff 0161',
  'Huffman padding of zeros': '4081 00 0161',
  'the end of a Huffman string within': '4084 ffff ffff 0161',
})) {
  test(`a compression error: ${name}`, () => {
    assert.throws(() => decode(new HpackDecoder(BOUNDS), block), compressionError);
  });
}

test('a list beyond its bounds is not kept, and the table is right after it', () => {
  for (const bounds of [
    { bytes: 90, fields: 9 },
    { bytes: 900, fields: 1 },
  ]) {
    const decoder = new HpackDecoder(bounds);
    assert.equal(
      decoder.decode(Buffer.from('4001610162400163016440016501 66'.replace(' ', ''), 'hex')).kind,
      'too_large',
    );
    assert.deepEqual(decode(decoder, 'c0'), ['a', 'b']);
  }
});

test('Huffman coding gives back any string of bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      const out = Buffer.alloc(huffmanLength(text));
      assert.equal(writeHuffman(text, out, 0), out.length);
      assert.equal(decodeHuffman(out, 0, out.length), text);
    }),
  );
});

test('what is encoded is decoded to the same, also after the other end made its table smaller', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 200 });
  const token = text.filter((one) => !one.includes(':'));
  const name = fc.oneof(fc.constantFrom('content-type', 'date', ':status', 'x-a'), token);
  const value = fc.oneof(fc.constantFrom('200', 'text/plain', ''), text);
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(name, value))), fc.nat(5_000), (lists, tableBytes) => {
      const [encoder, decoder] = [new HpackEncoder(), new HpackDecoder({ bytes: 1e9, fields: 1_000 })];
      encoder.setTableBytes(tableBytes);
      for (const list of lists) {
        const decoded = decoder.decode(encoder.encode(list.flat()));
        assert.deepEqual(decoded, { kind: 'fields', fields: list.flat() });
      }
    }),
  );
});

test('an encoder says once that it uses no table, when the other end makes its own smaller', () => {
  const encoder = new HpackEncoder();
  const blocks = [4_096, 0, 4_096, 0].map((bytes) => {
    encoder.setTableBytes(bytes);
    return encoder.encode([':status', '200']).toString('hex');
  });
  assert.deepEqual(blocks, ['88', '2088', '88', '88']);
});

test('bytes that mean nothing are an error or fields, and never more', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (blocks) => {
      const decoder = new HpackDecoder({ bytes: 1_000, fields: 10 });
      for (const block of blocks) {
        try {
          const decoded = decoder.decode(Buffer.from(block));
          assert.ok(decoded.kind === 'too_large' || decoded.fields.length <= 20, 'more fields than allowed');
        } catch (error) {
          if (!compressionError(error)) throw error;
          return;
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
