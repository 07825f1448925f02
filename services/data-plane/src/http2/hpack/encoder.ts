import { DEFAULT_TABLE_BYTES } from '../protocol.ts';
import { huffmanLength, writeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

const INDEXED = 0x80;
const HUFFMAN = 0x80;
/** A table of no bytes. */
const SIZE_UPDATE_TO_NOTHING = 0x20;
/** An integer takes no more here. */
const MOST_INTEGER_BYTES = 5;

/** Static indexes, from 1 on. */
const names = new Map<string, number>();
const pairs = new Map<string, number>();
for (const [index, [name, value]] of STATIC_TABLE.entries()) {
  if (!names.has(name)) names.set(name, index + 1);
  if (value !== '') pairs.set(`${name}:${value}`, index + 1);
}

/** Fields that were written, by name and value: what a field looks like hangs on nothing else, without a dynamic table. */
const known = new Map<string, Buffer>();
const MOST_KNOWN = 1_024;
/** A longer one is seldom the same twice. */
const LONGEST_KNOWN = 128;

/**
 * Writes header blocks for one end. It uses the static table alone: nothing is kept for a session, and no block hangs on
 * those before it.
 */
export class HpackEncoder {
  #mustShrink = false;
  #hasShrunk = false;

  /** The other end keeps a table of so many bytes. It has to be told that a larger one is not used (RFC 7541, section 4.2). */
  setTableBytes(bytes: number): void {
    if (bytes < DEFAULT_TABLE_BYTES && !this.#hasShrunk) this.#mustShrink = true;
  }

  /** @param fields names and values in turn, a character for each byte; names in lower case, with a colon at most first */
  encode(fields: readonly string[]): Buffer {
    const parts: Buffer[] = [];
    if (this.#mustShrink) {
      this.#mustShrink = false;
      this.#hasShrunk = true;
      parts.push(Buffer.from([SIZE_UPDATE_TO_NOTHING]));
    }
    for (let index = 0; index + 1 < fields.length; index += 2) {
      parts.push(field(fields[index] ?? '', fields[index + 1] ?? ''));
    }
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
  }
}

function field(name: string, value: string): Buffer {
  const isShort = name.length + value.length <= LONGEST_KNOWN;
  if (!isShort) return write(name, value);
  const key = `${name}:${value}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= MOST_KNOWN) known.clear();
  const bytes = write(name, value);
  known.set(key, bytes);
  return bytes;
}

function write(name: string, value: string): Buffer {
  const pair = pairs.get(`${name}:${value}`);
  if (pair !== undefined) return Buffer.from([INDEXED | pair]);
  const out = Buffer.allocUnsafe(1 + 3 * MOST_INTEGER_BYTES + name.length + value.length);
  // A literal that is not to be put into a table (RFC 7541, section 6.2.2).
  let at = writeInteger(names.get(name) ?? 0, 4, 0, out, 0);
  if (!names.has(name)) at = writeString(name, out, at);
  at = writeString(value, out, at);
  return Buffer.from(out.subarray(0, at));
}

function writeString(text: string, out: Buffer, from: number): number {
  const length = huffmanLength(text);
  if (length < text.length) return writeHuffman(text, out, writeInteger(length, 7, HUFFMAN, out, from));
  const at = writeInteger(text.length, 7, 0, out, from);
  return at + out.write(text, at, 'latin1');
}

function writeInteger(value: number, prefixBits: number, flags: number, out: Buffer, from: number): number {
  const mask = 2 ** prefixBits - 1;
  let at = from;
  if (value < mask) {
    out[at++] = flags | value;
    return at;
  }
  out[at++] = flags | mask;
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) out[at++] = 128 | (left % 128);
  out[at++] = left;
  return at;
}
