import { headerValue } from '../proxy/headers.ts';
import { MOST_INTERIM } from './http-client.ts';

/** What a backend answers is not HTTP/1.1, or could be read in more than one way. */
export class BadResponseError extends Error {
  readonly code = 'PULSEPLANE_BAD_RESPONSE';

  constructor(problem: string) {
    super(`bad response: ${problem}`);
    this.name = 'BadResponseError';
  }
}

/** What of the request decides how its answer is read. */
export type AnswerTo = {
  readonly method: string;
  /** The protocols that it wants to change to. */
  readonly upgrade: string | undefined;
};

/** Hears of one answer. Names and values of headers are in turn. */
export type ResponseEvents = {
  onInterim(status: number, headers: readonly string[]): void;
  onHead(status: number, headers: readonly string[]): void;
  onData(chunk: Buffer): void;
};

/**
 * - `idle`: no answer is awaited;
 * - `length`, `close`: in a body of known length, or one that ends with the connection;
 * - `chunk_*`, `trailers`: in one that is chunked (RFC 9112, section 7.1);
 * - `done`: the answer is whole; `upgraded`: what follows is another protocol.
 */
type State =
  | 'idle'
  | 'head'
  | 'length'
  | 'close'
  | 'chunk_size'
  | 'chunk'
  | 'chunk_end'
  | 'trailers'
  | 'done'
  | 'upgraded';

const MAX_HEAD_BYTES = 65_536;
const MAX_CHUNK_LINE_BYTES = 4_096;
const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_BEGIN = Buffer.from('HTTP/1.');
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const NOTHING = Buffer.alloc(0);
const SWITCHING_PROTOCOLS = 101;

/**
 * Reads the answers of an HTTP/1.1 backend, one after the other, from pieces of any size (RFC 9112). It is strict: what
 * two readers could take for different things is refused, because the answer of one client could become that of another.
 */
export class ResponseParser {
  #state: State = 'idle';
  #request: AnswerTo = { method: '', upgrade: undefined };
  #events: ResponseEvents | undefined;
  /** What came and cannot be read without what follows. */
  #held: Buffer | undefined;
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0;
  #isPersistent = false;
  #keepAliveSeconds: number | undefined;
  #headers: readonly string[] = [];
  #trailers: readonly string[] = [];
  #hasBegun = false;
  #interim = 0;

  /** An answer is awaited from now on. */
  begin(request: AnswerTo, events: ResponseEvents): void {
    this.#state = 'head';
    this.#request = request;
    this.#events = events;
    this.#trailers = [];
    this.#hasBegun = false;
    this.#interim = 0;
  }

  /** A byte of the answer has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** The headers with which the backend takes the upgrade. */
  get upgradeHeaders(): readonly string[] | undefined {
    return this.#state === 'upgraded' ? this.#headers : undefined;
  }

  get trailers(): readonly string[] {
    return this.#trailers;
  }

  /** The connection may carry another request after this answer (RFC 9112, section 9.3). */
  get isPersistent(): boolean {
    return this.#isPersistent;
  }

  /** For how long the backend keeps the connection without a request, when it says so. */
  get keepAliveSeconds(): number | undefined {
    return this.#keepAliveSeconds;
  }

  /**
   * Takes what has come. Throws a `BadResponseError`.
   *
   * @returns what is not of the answer
   */
  push(chunk: Buffer): Buffer {
    this.#hasBegun = true;
    let data = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    while (data.length > 0) {
      const used = this.#take(data);
      if (used === undefined) return data;
      if (used === 0) {
        this.#held = data;
        return NOTHING;
      }
      data = used === data.length ? NOTHING : data.subarray(used);
    }
    return NOTHING;
  }

  /**
   * The backend has ended its side.
   *
   * @returns whether the answer is whole with that
   */
  end(): boolean {
    if (this.#state !== 'close') return false;
    this.#state = 'done';
    return true;
  }

  /** @returns how many bytes it took; 0: it needs more; undefined: they are not of the answer */
  #take(data: Buffer): number | undefined {
    switch (this.#state) {
      case 'idle':
      case 'done':
      case 'upgraded':
        return undefined;
      case 'head':
        return this.#takeHead(data);
      case 'length':
        return this.#takeBody(data, 'done');
      case 'close':
        this.#events?.onData(data);
        return data.length;
      case 'chunk_size':
        return this.#takeChunkSize(data);
      case 'chunk':
        return this.#takeBody(data, 'chunk_end');
      case 'chunk_end':
        if (data.length < CRLF.length) return 0;
        if (!startsWith(data, CRLF)) throw new BadResponseError('a chunk is longer than it says');
        this.#state = 'chunk_size';
        return CRLF.length;
      case 'trailers':
        return this.#takeTrailers(data);
      default:
        return this.#state satisfies never;
    }
  }

  #takeHead(data: Buffer): number {
    const end = data.indexOf(HEAD_END);
    if (end === -1) {
      if (!startsWith(data, HEAD_BEGIN)) throw new BadResponseError('no status line');
      if (data.length > MAX_HEAD_BYTES) throw new BadResponseError('the head is too long');
      return 0;
    }
    if (end > MAX_HEAD_BYTES) throw new BadResponseError('the head is too long');
    const lines = data.toString('latin1', 0, end).split('\r\n');
    const [, minor, code] = STATUS_LINE.exec(lines[0] ?? '') ?? [];
    if (minor === undefined) throw new BadResponseError('no status line');
    const status = Number(code);
    const headers = fieldsOf(lines, 1);
    if (status === SWITCHING_PROTOCOLS) this.#upgrade(headers);
    else if (status >= 200) this.#begin(status, headers, minor === '1');
    else this.#inform(status, headers);
    return end + HEAD_END.length;
  }

  #inform(status: number, headers: readonly string[]): void {
    this.#interim += 1;
    if (this.#interim > MOST_INTERIM) throw new BadResponseError('too many interim answers');
    // Asked for by nobody: `expect` stays on the client's side.
    if (status > 100) this.#events?.onInterim(status, headers);
  }

  #upgrade(headers: readonly string[]): void {
    const asked = this.#request.upgrade?.split(', ') ?? [];
    const chosen = (headerValue(headers, 'upgrade') ?? '').toLowerCase().split(',');
    // RFC 9110, section 7.8.
    if (!chosen.every((name) => asked.includes(name.trim()))) {
      throw new BadResponseError('a change to a protocol that nobody asked for');
    }
    this.#headers = headers;
    this.#state = 'upgraded';
  }

  #begin(status: number, headers: readonly string[], is11: boolean): void {
    const coding = headerValue(headers, 'transfer-encoding')?.toLowerCase();
    const length = headerValue(headers, 'content-length');
    if (coding !== undefined && length !== undefined) throw new BadResponseError('a length beside a transfer coding');
    // Other codings would be lost on the way, and HTTP/1.0 knows none.
    if (coding !== undefined && (coding !== 'chunked' || !is11)) throw new BadResponseError('the transfer coding');
    if (length !== undefined && !LENGTH.test(length)) throw new BadResponseError('the length');
    const connection = (headerValue(headers, 'connection') ?? '').toLowerCase();
    const options = connection === '' ? [] : connection.split(',').map((option) => option.trim());
    this.#isPersistent = is11 ? !options.includes('close') : options.includes('keep-alive');
    const seconds = /(?:^|[ ,;])timeout=(\d{1,9})/i.exec(headerValue(headers, 'keep-alive') ?? '')?.[1];
    this.#keepAliveSeconds = seconds === undefined ? undefined : Number(seconds);
    if (this.#request.method === 'HEAD' || status === 204 || status === 304) this.#state = 'done';
    else if (coding !== undefined) this.#state = 'chunk_size';
    else if (length === undefined) {
      this.#state = 'close';
      this.#isPersistent = false;
    } else {
      this.#left = Number(length);
      this.#state = this.#left === 0 ? 'done' : 'length';
    }
    this.#events?.onHead(status, headers);
  }

  #takeBody(data: Buffer, next: State): number {
    const length = Math.min(this.#left, data.length);
    this.#left -= length;
    if (this.#left === 0) this.#state = next;
    this.#events?.onData(length === data.length ? data : data.subarray(0, length));
    return length;
  }

  #takeChunkSize(data: Buffer): number {
    const end = data.indexOf(CRLF);
    if ((end === -1 ? data.length : end) > MAX_CHUNK_LINE_BYTES) throw new BadResponseError('a chunk size is too long');
    if (end === -1) return 0;
    const size = CHUNK_SIZE.exec(data.toString('latin1', 0, end))?.[1];
    if (size === undefined) throw new BadResponseError('a chunk size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return end + CRLF.length;
  }

  #takeTrailers(data: Buffer): number {
    if (data.length < CRLF.length) return 0;
    if (startsWith(data, CRLF)) {
      this.#state = 'done';
      return CRLF.length;
    }
    const end = data.indexOf(HEAD_END);
    if ((end === -1 ? data.length : end) > MAX_HEAD_BYTES) throw new BadResponseError('the trailers are too long');
    if (end === -1) return 0;
    this.#trailers = fieldsOf(data.toString('latin1', 0, end).split('\r\n'), 0);
    this.#state = 'done';
    return end + HEAD_END.length;
  }
}

/** As far as there are bytes. */
function startsWith(data: Buffer, expected: Buffer): boolean {
  const length = Math.min(data.length, expected.length);
  return data.compare(expected, 0, length, 0, length) === 0;
}

/** The fields of lines, without folding, and without space before the colon (RFC 9112, section 5). */
function fieldsOf(lines: readonly string[], from: number): string[] {
  const fields: string[] = [];
  for (let index = from; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!NAME.test(name)) throw new BadResponseError('a header name');
    const value = trimSpace(line, colon + 1);
    if (NOT_IN_VALUE.test(value)) throw new BadResponseError(`the value of ${name}`);
    fields.push(name, value);
  }
  return fields;
}

/** Without spaces and tabs at both ends, and no others: those are not allowed. */
function trimSpace(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start += 1;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
