import type { UpstreamRequest } from './http-client.ts';

/** A request that cannot be written as it is. */
export class BadRequestError extends Error {
  readonly code = 'PULSEPLANE_BAD_REQUEST';

  constructor(problem: string) {
    super(`bad request: ${problem}`);
    this.name = 'BadRequestError';
  }
}

/** How the end of the body is told (RFC 9112, section 6); `none`: there is none. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_TARGET = /[^\x21-\x7e\x80-\xff]/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
/** Methods that mean a body: without one they say so (RFC 9110, section 8.6). */
const WITH_BODY = new Set(['PUT', 'POST', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);
/** What the connection says itself. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'expect']);

/**
 * Nothing follows it on its connection: an upgrade, and what is answered without the body that its length tells of,
 * because there are backends that send that too, and it would be taken for the next answer.
 */
export function isLast({ method, upgrade }: Pick<UpstreamRequest, 'method' | 'upgrade'>): boolean {
  return upgrade !== undefined || method === 'HEAD';
}

/** The head of a request as it goes to a backend, in latin1. Throws a `BadRequestError`. */
export function requestHead(
  request: Omit<UpstreamRequest, 'trailers' | 'bodyTrailers'>,
  fallbackHost: string,
): { readonly text: string; readonly framing: Framing } {
  const { method, target, headers, body, upgrade } = request;
  if (!TOKEN.test(method)) throw new BadRequestError('the method');
  if (!target.startsWith('/') || NOT_IN_TARGET.test(target)) throw new BadRequestError('the target');
  let length: string | undefined;
  let hosts = 0;
  let fields = '';
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host') hosts += 1;
    else if (lower === 'content-length') {
      if (length !== undefined || !LENGTH.test(value)) throw new BadRequestError('the length');
      length = value;
      continue;
    } else if (FRAMING.has(lower)) throw new BadRequestError(`a header of the connection, ${lower}`);
    fields += fieldLine(name, value);
  }
  if (hosts > 1) throw new BadRequestError('more than one host');
  if (hosts === 0) fields = `host: ${fallbackHost}\r\n${fields}`;
  const framing = framingOf(body !== undefined, length);
  const connection = isLast(request) ? 'close' : 'keep-alive';
  const persistence = upgrade === undefined ? connection : `upgrade\r\nupgrade: ${checkedValue(upgrade)}`;
  const text = `${method} ${target} HTTP/1.1\r\n${fields}connection: ${persistence}\r\n${framingLine(framing, method)}\r\n`;
  return { text, framing };
}

/** Trailers and the end of a chunked body. Throws a `BadRequestError`. */
export function lastChunk(trailers: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    lines += fieldLine(trailers[index] ?? '', trailers[index + 1] ?? '');
  }
  return `0\r\n${lines}\r\n`;
}

function framingOf(hasBody: boolean, length: string | undefined): Framing {
  if (!hasBody) {
    if (length !== undefined && Number(length) > 0) throw new BadRequestError('a length without a body');
    return { kind: 'none' };
  }
  return length === undefined ? { kind: 'chunked' } : { kind: 'length', bytes: Number(length) };
}

function framingLine(framing: Framing, method: string): string {
  switch (framing.kind) {
    case 'none':
      return WITH_BODY.has(method) ? 'content-length: 0\r\n' : '';
    case 'length':
      return `content-length: ${framing.bytes}\r\n`;
    case 'chunked':
      return 'transfer-encoding: chunked\r\n';
    default:
      return framing satisfies never;
  }
}

function fieldLine(name: string, value: string): string {
  if (!TOKEN.test(name)) throw new BadRequestError('a header name');
  return `${name}: ${checkedValue(value)}\r\n`;
}

function checkedValue(value: string): string {
  if (NOT_IN_VALUE.test(value)) throw new BadRequestError('a header value');
  return value;
}
