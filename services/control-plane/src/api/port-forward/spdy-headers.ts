import { createInflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';
import { SpdyFault } from './spdy-frames.ts';

/** The most that the headers of one stream may come to. */
const MAX_HEADER_BYTES = 16_384;

/** Reads the header blocks of one connection, in their order: they share one compression context. */
export class SpdyHeaders {
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  #parts: Buffer[] = [];
  #bytes = 0;
  #fail: (fault: SpdyFault) => void = () => undefined;

  constructor() {
    this.#inflate.on('data', (part: Buffer) => {
      this.#bytes += part.length;
      this.#parts.push(part);
      if (this.#bytes > MAX_HEADER_BYTES) this.#inflate.destroy(new Error(`headers above ${MAX_HEADER_BYTES} bytes`));
    });
    this.#inflate.on('error', (error) => this.#fail(new SpdyFault(error.message)));
  }

  /** The headers of a block, by their names in lower case. Rejects with a `SpdyFault`. */
  async read(block: Buffer): Promise<ReadonlyMap<string, string>> {
    this.#parts = [];
    this.#bytes = 0;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#inflate.write(block, () => resolve());
    });
    return parse(Buffer.concat(this.#parts));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parse(block: Buffer): ReadonlyMap<string, string> {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyFault('a header block that is cut off');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new SpdyFault('a header block that is cut off');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left -= 1) headers.set(text().toLowerCase(), text());
  return headers;
}
