/**
 * The symbols of RFC 7541, appendix B, by the length of their codes in bits. The code is canonical: codes of one length
 * follow each other in the order of their symbols, so that the lengths say all.
 */
const SYMBOLS_BY_LENGTH: Readonly<Record<number, readonly number[]>> = {
  5: [48, 49, 50, 97, 99, 101, 105, 111, 115, 116],
  6: [32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117],
  7: [
    58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118,
    119, 120, 121, 122,
  ],
  8: [38, 42, 44, 59, 88, 90],
  10: [33, 34, 40, 41, 63],
  11: [39, 43, 124],
  12: [35, 62],
  13: [0, 36, 64, 91, 93, 126],
  14: [94, 125],
  15: [60, 96, 123],
  19: [92, 195, 208],
  20: [128, 130, 131, 162, 184, 194, 224, 226],
  21: [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230],
  22: [
    129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198,
    228, 232, 233,
  ],
  23: [
    1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182,
    183, 188, 191, 197, 231, 239,
  ],
  24: [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237],
  25: [199, 207, 234, 235],
  26: [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255],
  27: [203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254],
  28: [2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249],
  30: [10, 13, 22, 256],
};

const SYMBOLS = 257;
const END_OF_STRING = 256;
/** Longer padding is an error, as is one that is not the beginning of the end's code, which is all ones. */
const MOST_PADDING_BITS = 7;
const NIBBLES = 16;
const NOTHING = -1;
const MALFORMED = -2;

const codes = new Uint32Array(SYMBOLS);
const lengths = new Uint8Array(SYMBOLS);

/** The code's tree: two children for each inner node, which are another inner node or, below zero, a symbol. */
const tree: number[] = [];
/** For each inner node and four bits: the node after them, and the symbol that they ended (never two: none is so short). */
let nextNode = new Uint16Array(0);
let emitted = new Int16Array(0);
/** Inner nodes at which a string may end. */
const ends = new Set<number>();

build();

function build(): void {
  let code = 0;
  let former = 0;
  for (const [key, symbols] of Object.entries(SYMBOLS_BY_LENGTH)) {
    const length = Number(key);
    code *= 2 ** (length - former);
    former = length;
    for (const symbol of symbols) {
      codes[symbol] = code;
      lengths[symbol] = length;
      code += 1;
    }
  }
  tree.push(0, 0);
  for (let symbol = 0; symbol < SYMBOLS; symbol += 1) plant(symbol);
  const nodes = tree.length / 2;
  nextNode = new Uint16Array(nodes * NIBBLES);
  emitted = new Int16Array(nodes * NIBBLES);
  for (let node = 0; node < nodes; node += 1) for (let nibble = 0; nibble < NIBBLES; nibble += 1) walk(node, nibble);
  for (let node = 0, bits = 0; bits <= MOST_PADDING_BITS; bits += 1) {
    ends.add(node);
    node = tree[2 * node + 1] ?? 0;
  }
}

function plant(symbol: number): void {
  const [code = 0, length = 0] = [codes[symbol], lengths[symbol]];
  let node = 0;
  for (let bit = length - 1; bit > 0; bit -= 1) {
    const child = 2 * node + ((code >>> bit) & 1);
    if (tree[child] === 0) {
      tree[child] = tree.length / 2;
      tree.push(0, 0);
    }
    node = tree[child] ?? 0;
  }
  tree[2 * node + (code & 1)] = -1 - symbol;
}

function walk(from: number, nibble: number): void {
  let node = from;
  let symbol = NOTHING;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = tree[2 * node + ((nibble >>> bit) & 1)] ?? 0;
    if (child >= 0) {
      node = child;
      continue;
    }
    symbol = -1 - child === END_OF_STRING ? MALFORMED : -1 - child;
    if (symbol === MALFORMED) break;
    node = 0;
  }
  nextNode[from * NIBBLES + nibble] = node;
  emitted[from * NIBBLES + nibble] = symbol;
}

/** The shortest code has five bits. */
const MOST_SYMBOLS_PER_BYTE = 8 / 5;
const scratch = Buffer.allocUnsafeSlow(4_096);

/** Decodes a string, a byte for each character; undefined when the code is wrong (RFC 7541, section 5.2). */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | undefined {
  const most = Math.ceil((to - from) * MOST_SYMBOLS_PER_BYTE);
  const out = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  let length = 0;
  let node = 0;
  for (let index = from; index < to; index += 1) {
    const byte = bytes[index] ?? 0;
    const high = node * NIBBLES + (byte >>> 4);
    const first = emitted[high] ?? MALFORMED;
    const low = (nextNode[high] ?? 0) * NIBBLES + (byte & 15);
    const second = emitted[low] ?? MALFORMED;
    node = nextNode[low] ?? 0;
    if (first === MALFORMED || second === MALFORMED) return undefined;
    if (first !== NOTHING) out[length++] = first;
    if (second !== NOTHING) out[length++] = second;
  }
  return ends.has(node) ? out.toString('latin1', 0, length) : undefined;
}

/** How many bytes a string of bytes takes. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) bits += lengths[text.charCodeAt(index)] ?? 0;
  return Math.ceil(bits / 8);
}

/**
 * Writes a string of bytes.
 *
 * @returns where it ended
 */
export function writeHuffman(text: string, out: Uint8Array, from: number): number {
  let at = from;
  let held = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index);
    // Of at most 37 bits, so not with bitwise operators; what has gone out is taken off.
    held = held * 2 ** (lengths[symbol] ?? 0) + (codes[symbol] ?? 0);
    bits += lengths[symbol] ?? 0;
    while (bits >= 8) {
      bits -= 8;
      const byte = Math.floor(held / 2 ** bits);
      out[at++] = byte;
      held -= byte * 2 ** bits;
    }
  }
  if (bits > 0) out[at++] = (held << (8 - bits)) | (0xff >>> bits);
  return at;
}
