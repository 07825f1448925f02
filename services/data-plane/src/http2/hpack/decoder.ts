import { ConnectionError, DEFAULT_TABLE_BYTES, ERROR } from '../protocol.ts';
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

/** What a header list may be: its size as RFC 9113, section 6.5.2 counts it, and how many fields. */
export type HeaderListBounds = { readonly bytes: number; readonly fields: number };

/** `fields`: names and values in turn, a character for each byte. */
export type DecodedBlock =
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  | { readonly kind: 'too_large' };

/** Bits of the first byte that tell the representations apart (RFC 7541, section 6). */
const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;
const HUFFMAN = 0x80;
/** Nothing that is longer fits into a block that is taken. */
const LARGEST_INTEGER = 2 ** 28;

/** Reads the header blocks of one end. */
export class HpackDecoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_BYTES);
  readonly #bounds: HeaderListBounds;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(bounds: HeaderListBounds) {
    this.#bounds = bounds;
  }

  /** A block decodes to the same fields for as long as this is the same, if it does not change it. */
  get generation(): number {
    return this.#table.generation;
  }

  /**
   * One whole block. What is beyond the bounds is not kept, but the table is what the other end thinks it is.
   *
   * @throws {ConnectionError} of COMPRESSION_ERROR: the table is not known any more
   */
  decode(block: Buffer): DecodedBlock {
    this.#block = block;
    this.#at = 0;
    const { bytes: mostBytes, fields: mostFields } = this.#bounds;
    const fields: string[] = [];
    let bytes = 0;
    let isFirst = true;
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0xe0) === SIZE_UPDATE) {
        if (!isFirst) throw failure('a table size update after a field');
        this.#resize();
        continue;
      }
      isFirst = false;
      let name: string;
      let value: string;
      if ((first & INDEXED) !== 0) {
        const index = this.#integer(7);
        name = this.#name(index);
        value = this.#value(index);
      } else {
        const isIncremental = (first & INCREMENTAL) !== 0;
        const index = this.#integer(isIncremental ? 6 : 4);
        name = index === 0 ? this.#string() : this.#name(index);
        value = this.#string();
        if (isIncremental) this.#table.add(name, value);
      }
      bytes += name.length + value.length + ENTRY_OVERHEAD;
      if (bytes <= mostBytes && fields.length < 2 * mostFields) fields.push(name, value);
      // For good, so that a smaller one after it is not taken.
      else bytes = Number.POSITIVE_INFINITY;
    }
    this.#block = EMPTY;
    return bytes === Number.POSITIVE_INFINITY ? { kind: 'too_large' } : { kind: 'fields', fields };
  }

  #resize(): void {
    const capacity = this.#integer(5);
    if (capacity > DEFAULT_TABLE_BYTES) throw failure('a table larger than allowed');
    this.#table.resize(capacity);
  }

  #name(index: number): string {
    const name =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1]?.[0] : this.#table.name(index - STATIC_TABLE.length - 1);
    if (name === undefined) throw failure('an index that means nothing');
    return name;
  }

  #value(index: number): string {
    const value =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1]?.[1] : this.#table.value(index - STATIC_TABLE.length - 1);
    if (value === undefined) throw failure('an index that means nothing');
    return value;
  }

  /** RFC 7541, section 5.1. */
  #integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let result = this.#byte() & mask;
    if (result < mask) return result;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      result += (byte & 0x7f) * factor;
      if (result > LARGEST_INTEGER || factor > LARGEST_INTEGER) throw failure('an integer out of bounds');
      if (byte < 0x80) return result;
    }
  }

  /** RFC 7541, section 5.2. */
  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & HUFFMAN) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#block.length) throw failure('a string that is cut off');
    if (!isHuffman) return this.#block.toString('latin1', from, this.#at);
    const text = decodeHuffman(this.#block, from, this.#at);
    if (text === undefined) throw failure('a wrong Huffman code');
    return text;
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw failure('a block that is cut off');
    this.#at += 1;
    return byte;
  }
}

const EMPTY = Buffer.alloc(0);

function failure(message: string): ConnectionError {
  return new ConnectionError(ERROR.COMPRESSION_ERROR, message);
}
