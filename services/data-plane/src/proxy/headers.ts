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
 * what modifies a request or controls its answer, authentication and cookies, and what the worker says itself.
 */
const NO_TRAILER = new Set([
  ...['host', 'trailer', 'expect', 'max-forwards', 'pragma', 'range', 'forwarded', 'x-real-ip'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['age', 'cache-control', 'date', 'expires', 'location', 'retry-after', 'vary', 'warning'],
  ...['authorization', 'www-authenticate', 'cookie', 'set-cookie'],
]);
/** The one field about the content that is known only behind it (RFC 9530, section 2). The others say how to read it. */
const CONTENT_DIGEST = 'content-digest';

/** The value of a header in a flat list; several are joined as RFC 9110 says. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const candidate = headers[index];
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue;
    const value = headers[index + 1] ?? '';
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/** Headers for the upstream: hop-by-hop ones removed, one `host`, the client added to `x-forwarded-for`. */
export function requestHeaders(headers: readonly string[], authority: string, peerAddress: string): string[] {
  const dropped = named(headers);
  // An HTTP/1.0 client may name no host; then the backend's own takes its place.
  const result = authority === '' ? [] : ['host', authority];
  let cookies: string | undefined;
  let announced: string | undefined;
  let forwarded = '';
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host' || lower === 'expect') continue;
    if (lower === 'x-forwarded-for') forwarded += `${value}, `;
    else if (lower === 'trailer') announced = announced === undefined ? value : `${announced}, ${value}`;
    else if (HOP_BY_HOP.has(lower) || dropped.has(lower)) continue;
    // HTTP/2 may split the cookie header (RFC 9113, section 8.2.3); HTTP/1.1 must have one.
    else if (lower === 'cookie') cookies = cookies === undefined ? value : `${cookies}; ${value}`;
    else result.push(name, value);
  }
  if (cookies !== undefined) result.push('cookie', cookies);
  if (announced !== undefined) result.push(...announcing(announced));
  result.push('x-forwarded-for', `${forwarded}${peerAddress}`);
  return result;
}

/** Headers for the client: hop-by-hop ones removed, names in lower case unless they are to be preserved. */
export function responseHeaders(headers: readonly string[], preserveCase: boolean): string[] {
  const dropped = named(headers);
  const result: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || dropped.has(lower)) continue;
    if (lower === 'trailer') result.push(...announcing(value, preserveCase ? name : lower));
    else result.push(preserveCase ? name : lower, value);
  }
  return result;
}

/**
 * Trailers for either side: those that may be some, named in lower case unless names are to be preserved.
 *
 * @param headers of the same message, which may name some as those of the connection
 */
export function messageTrailers(
  trailers: readonly string[],
  headers: readonly string[],
  preserveCase: boolean,
): readonly string[] {
  if (trailers.length === 0) return trailers;
  const dropped = named(headers);
  const result: string[] = [];
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    const name = trailers[index] ?? '';
    const lower = name.toLowerCase();
    if (isTrailer(lower) && !dropped.has(lower)) result.push(preserveCase ? name : lower, trailers[index + 1] ?? '');
  }
  return result;
}

/** A `trailer` header of those of a list that may be trailers, if there are any. */
function announcing(list: string, name = 'trailer'): readonly string[] {
  const trailers = tokens(list).filter(isTrailer);
  return trailers.length === 0 ? [] : [name, trailers.join(', ')];
}

function isTrailer(name: string): boolean {
  const lower = name.toLowerCase();
  if (lower === '' || HOP_BY_HOP.has(lower) || NO_TRAILER.has(lower) || lower.startsWith('x-forwarded-')) return false;
  return !lower.startsWith('content-') || lower === CONTENT_DIGEST;
}

/** A flat list as node:http2 takes it. */
export function toHeaderObject(flat: readonly string[]): Record<string, string | string[]> {
  // Without what every object has: `constructor` is a name like others.
  const headers: Record<string, string | string[]> = Object.create(null);
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

/** A flat list with those headers in front that have a name, in lower case. */
export function withFirst(flat: readonly string[], name: string): string[] {
  const isOne = (_: string, index: number) => flat[index - (index % 2)]?.toLowerCase() === name;
  return [...flat.filter(isOne), ...flat.filter((field, index) => !isOne(field, index))];
}

const NONE: ReadonlySet<string> = new Set();

/** Headers that the `connection` header declares as hop-by-hop, in lower case, beside those that always are. */
function named(headers: readonly string[]): ReadonlySet<string> {
  const connection = headerValue(headers, 'connection');
  if (connection === undefined) return NONE;
  const others = tokens(connection.toLowerCase()).filter((name) => !HOP_BY_HOP.has(name));
  return others.length === 0 ? NONE : new Set(others);
}

function tokens(list: string): string[] {
  return list.split(',').map((name) => name.trim());
}
