/** Headers that concern one connection only (RFC 9110, section 7.6.1), and what takes their place upstream. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * What a trailer must not be (RFC 9110, section 6.5.1), because it would come after it was looked at: framing, routing,
 * modifiers of the request, authentication, how to read the content, and what the worker says itself.
 */
const NO_TRAILER = new Set([
  ...['content-length', 'host', 'trailer', 'cache-control', 'expect', 'max-forwards', 'pragma', 'range'],
  ...['authorization', 'cookie', 'content-encoding', 'content-type', 'content-range', 'forwarded', 'x-real-ip'],
]);

/** The value of a header in a flat list; several are joined as RFC 9110 says. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== name) continue;
    const value = headers[index + 1] ?? '';
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/** Headers for the upstream: hop-by-hop ones removed, one `host`, the client added to `x-forwarded-for`. */
export function requestHeaders(headers: readonly string[], authority: string, peerAddress: string): string[] {
  const dropped = new Set(['host', 'expect', 'x-forwarded-for', 'trailer', ...named(headers)]);
  // An HTTP/1.0 client may name no host; then the backend's own takes its place.
  const result = authority === '' ? [] : ['host', authority];
  const cookies: string[] = [];
  for (const [name, value] of endToEnd(headers, dropped)) {
    // HTTP/2 may split the cookie header (RFC 9113, section 8.2.3); HTTP/1.1 must have one.
    if (name.toLowerCase() === 'cookie') cookies.push(value);
    else result.push(name, value);
  }
  if (cookies.length > 0) result.push('cookie', cookies.join('; '));
  const forwarded = headerValue(headers, 'x-forwarded-for');
  const announced = headerValue(headers, 'trailer')
    ?.split(',')
    .map((name) => name.trim());
  const trailers = announced?.filter(isTrailer).join(', ') ?? '';
  if (trailers !== '') result.push('trailer', trailers);
  result.push('x-forwarded-for', forwarded === undefined ? peerAddress : `${forwarded}, ${peerAddress}`);
  return result;
}

/** Headers for the client: hop-by-hop ones removed, names in lower case unless they are to be preserved. */
export function responseHeaders(headers: readonly string[], preserveCase: boolean): string[] {
  const result: string[] = [];
  for (const [name, value] of endToEnd(headers, new Set(named(headers)))) {
    result.push(preserveCase ? name : name.toLowerCase(), value);
  }
  return result;
}

/** Trailers for the upstream: those that may be some, named in lower case. */
export function requestTrailers(trailers: readonly string[], headers: readonly string[]): string[] {
  const result: string[] = [];
  for (const [name, value] of endToEnd(trailers, new Set(named(headers))))
    if (isTrailer(name)) result.push(name.toLowerCase(), value);
  return result;
}

function isTrailer(name: string): boolean {
  const lower = name.toLowerCase();
  return lower !== '' && !HOP_BY_HOP.has(lower) && !NO_TRAILER.has(lower) && !lower.startsWith('x-forwarded-');
}

/** A flat list as node:http2 takes it. */
export function toHeaderObject(flat: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    const value = flat[index + 1] ?? '';
    const former = headers[name];
    if (former === undefined) headers[name] = value;
    else if (Array.isArray(former)) former.push(value);
    else headers[name] = [former, value];
  }
  return headers;
}

/** A flat list without some headers, named in lower case. */
export function withoutNames(flat: readonly string[], names: readonly string[]): string[] {
  return flat.filter((_, index) => !names.includes((flat[index - (index % 2)] ?? '').toLowerCase()));
}

function* endToEnd(headers: readonly string[], dropped: ReadonlySet<string>): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !dropped.has(lower)) yield [name, headers[index + 1] ?? ''];
  }
}

/** Headers that the `connection` header declares as hop-by-hop too. */
function named(headers: readonly string[]): readonly string[] {
  const connection = headerValue(headers, 'connection');
  if (connection === undefined) return [];
  return connection.split(',').map((name) => name.trim().toLowerCase());
}
