import type { Reading } from './first-bytes.ts';

/** What a ClientHello says about where it goes. */
export type ClientHello = {
  /** The server name (SNI) that it asks for, lower case, without a final dot; absent: none. */
  readonly serverName?: string;
};

/** With the heads of its records. Those of today's clients have less than 2 KiB. */
const LONGEST = 16_384;
const RECORD_HEAD = 5;
const MESSAGE_HEAD = 4;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/**
 * The ClientHello of a TLS connection (RFC 8446, sections 4.1.2 and 5.1), which may come in several records. None of it
 * is done with: all its bytes are for whoever ends TLS.
 */
export function readClientHello(seen: Buffer): Reading<ClientHello> {
  const fragments: Buffer[] = [];
  let message = 0;
  let at = 0;
  for (;;) {
    if (seen.length > at && seen.readUInt8(at) !== HANDSHAKE) return malformed('this is no TLS handshake');
    if (seen.length < at + RECORD_HEAD) return more(at + RECORD_HEAD);
    // 3 is the major version of every TLS; a fragment of a handshake is never empty.
    const size = seen.readUInt16BE(at + 3);
    if (seen.readUInt8(at + 1) !== 3 || size === 0) return malformed('a record is none of TLS');
    const end = at + RECORD_HEAD + size;
    if (seen.length < end) return more(end);
    fragments.push(seen.subarray(at + RECORD_HEAD, end));
    message += size;
    at = end;
    if (message < MESSAGE_HEAD) continue;
    const whole = Buffer.concat(fragments);
    if (whole.readUInt8(0) !== CLIENT_HELLO) return malformed('the handshake does not begin with a ClientHello');
    const length = MESSAGE_HEAD + whole.readUIntBE(1, 3);
    if (length > LONGEST) return tooLong();
    if (message >= length) return readMessage(whole.subarray(MESSAGE_HEAD, length));
  }
}

function more(needed: number): Reading<ClientHello> {
  return needed > LONGEST ? tooLong() : { kind: 'more', needed };
}

function tooLong(): Reading<ClientHello> {
  return malformed(`it is longer than ${LONGEST} bytes`);
}

function malformed(error: string): Reading<ClientHello> {
  return { kind: 'malformed', error: `ClientHello: ${error}` };
}

/** The server name of a whole message, or what is wrong with it. */
function readMessage(body: Buffer): Reading<ClientHello> {
  try {
    const names = serverNames(new Fields(body));
    // Two names could be read as one by us and as the other by the backend.
    if (names.length > 1) return malformed('it has more than one server name');
    const [name] = names;
    if (name !== undefined && !/^[\x21-\x7e]+$/.test(name)) return malformed('its server name is not ASCII text');
    const serverName = name?.toLowerCase().replace(/\.$/, '');
    return { kind: 'found', found: serverName === undefined ? {} : { serverName }, length: 0 };
  } catch (error) {
    if (error instanceof RangeError) return malformed('a length in it is wrong');
    throw error;
  }
}

function serverNames(hello: Fields): readonly string[] {
  // Version and random; session id; cipher suites; compression methods.
  hello.skip(2 + 32);
  hello.block(1);
  hello.block(2);
  hello.block(1);
  // TLS 1.2 allows to leave the extensions out.
  if (hello.isEmpty) return [];
  const names: string[] = [];
  const extensions = hello.block(2);
  while (!extensions.isEmpty) {
    const type = extensions.number(2);
    const extension = extensions.block(2);
    if (type !== SERVER_NAME) continue;
    // RFC 6066, section 3.
    const list = extension.block(2);
    while (!list.isEmpty) {
      const kind = list.number(1);
      const name = list.block(2).text();
      if (kind === HOST_NAME) names.push(name);
    }
  }
  return names;
}

/** Takes fields of bytes one after the other; a RangeError beyond their end. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    this.#take(count);
  }

  number(size: 1 | 2): number {
    return this.#take(size).readUIntBE(0, size);
  }

  /** What has its length in front, in so many bytes. */
  block(size: 1 | 2): Fields {
    return new Fields(this.#take(this.number(size)));
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at);
  }

  #take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new RangeError();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
