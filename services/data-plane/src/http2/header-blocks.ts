import { HpackDecoder } from './hpack/decoder.ts';
import { ConnectionError, ERROR } from './protocol.ts';
import { type Http2Request, type Read, readRequest, readTrailers } from './request.ts';

/** A block may be so many times as large as the list that it makes may be: what is too large must be read to its end. */
const BLOCK_SHARE = 4;
/** The reference's, as most others', is near. */
const MOST_CONTINUATIONS = 64;
/** As Node has it. */
const MOST_FIELDS = 128;
/** A longer block is seldom the same twice. */
const LONGEST_REMEMBERED = 512;

/** A header block whose end has not come (RFC 9113, section 4.3). */
export type OpenBlock = {
  readonly stream: number;
  readonly endStream: boolean;
  readonly dependsOnItself: boolean;
};

export type ReadBlock<T> = Read<T> | { readonly kind: 'too_large' };

/** Puts the header blocks of one end together, and reads them. */
export class HeaderBlocks {
  readonly #decoder: HpackDecoder;
  readonly #mostBytes: number;
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** The last block that changed nothing in the decoder's table, and what it said: most requests of a client are alike. */
  #last: { readonly block: string; readonly generation: number; readonly request: Read<Http2Request> } | undefined;
  /** How many have come whole. */
  ended = 0;
  /** The block under way. No other frame may come before its end. */
  open: OpenBlock | undefined;

  /** @param headerListBytes how large a header list may be, as RFC 9113, section 6.5.2 counts it */
  constructor(headerListBytes: number) {
    this.#decoder = new HpackDecoder({ bytes: headerListBytes, fields: MOST_FIELDS });
    this.#mostBytes = BLOCK_SHARE * headerListBytes;
  }

  begin(open: OpenBlock, part: Buffer): void {
    this.open = open;
    this.#add(part);
  }

  /** @throws {ConnectionError} of ENHANCE_YOUR_CALM when the block goes on and on */
  continue(part: Buffer): void {
    if (this.#parts.length > MOST_CONTINUATIONS) {
      throw new ConnectionError(ERROR.ENHANCE_YOUR_CALM, 'too many CONTINUATION frames');
    }
    this.#add(part);
  }

  /** The whole of the block that was begun. */
  end(): Buffer {
    const block = this.#parts.length === 1 ? this.#parts[0] : undefined;
    const whole = block ?? Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    this.open = undefined;
    this.ended += 1;
    return whole;
  }

  /** @throws {ConnectionError} of COMPRESSION_ERROR */
  readRequest(block: Buffer): ReadBlock<Http2Request> {
    const decoder = this.#decoder;
    const { generation } = decoder;
    const last = this.#last;
    // As text, because a small Buffer keeps a large one alive.
    const text = block.length <= LONGEST_REMEMBERED ? block.toString('latin1') : undefined;
    if (last !== undefined && last.generation === generation && last.block === text) return last.request;
    const decoded = decoder.decode(block);
    if (decoded.kind === 'too_large') return decoded;
    const request = readRequest(decoded.fields);
    if (decoder.generation === generation && text !== undefined) this.#last = { block: text, generation, request };
    return request;
  }

  /** @throws {ConnectionError} of COMPRESSION_ERROR */
  readTrailers(block: Buffer): ReadBlock<readonly string[]> {
    const decoded = this.#decoder.decode(block);
    return decoded.kind === 'too_large' ? decoded : readTrailers(decoded.fields);
  }

  /** What nobody wants to know changes the table all the same. */
  skip(block: Buffer): void {
    this.#decoder.decode(block);
  }

  #add(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#partBytes > this.#mostBytes) {
      throw new ConnectionError(ERROR.ENHANCE_YOUR_CALM, 'a header block that is too large');
    }
    this.#parts.push(part);
  }
}
