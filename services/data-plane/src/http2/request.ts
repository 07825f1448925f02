/** A request as HTTP/2 has it (RFC 9113, section 8.3.1). It may belong to several streams that asked for the same. */
export type Http2Request = {
  readonly method: string;
  /** Undefined for a CONNECT that is not extended. */
  readonly scheme: string | undefined;
  readonly path: string | undefined;
  readonly authority: string | undefined;
  /** Of an extended CONNECT (RFC 8441, section 4). */
  readonly protocol: string | undefined;
  /** Names and values in turn, without pseudo headers, a character for each byte. */
  readonly headers: readonly string[];
  readonly contentLength: number | undefined;
};

/** `malformed`: which rule the fields break (RFC 9113, section 8.1.1). */
export type Read<T> =
  | { readonly kind: 'good'; readonly value: T }
  | { readonly kind: 'malformed'; readonly rule: string };

/** What of HTTP/1.1 concerns one connection (RFC 9113, section 8.2.2). `te` is looked at by itself. */
const CONNECTION_SPECIFIC = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const PSEUDO = new Set([':method', ':scheme', ':path', ':authority', ':protocol']);
/** A token (RFC 9110, section 5.6.2) without capitals. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** Visible characters and what is beyond ASCII. */
const PATH = /^[\x21-\x7e\x80-\xff]+$/;
/** RFC 9110, section 5.5, without white space around it (RFC 9113, section 8.2.1). */
const FIELD_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Looked at once for each run: a run within the value would else be gone through from each of its characters. */
const WHITE_SPACE_AROUND = /^[\t ]+|(?<![\t ])[\t ]+$/g;
const CONTENT_LENGTH = /^\d{1,15}$/;

/** Names that were found good: clients send few different ones. It starts again when one has filled it with others. */
const goodNames = new Set<string>();
const MOST_GOOD_NAMES = 1_024;
/** A longer one is seldom seen twice. */
const LONGEST_REMEMBERED = 64;

function isFieldName(name: string): boolean {
  if (goodNames.has(name)) return true;
  if (!FIELD_NAME.test(name)) return false;
  if (name.length > LONGEST_REMEMBERED) return true;
  if (goodNames.size >= MOST_GOOD_NAMES) goodNames.clear();
  goodNames.add(name);
  return true;
}

function isFieldValue(value: string): boolean {
  return FIELD_VALUE.test(value);
}

/** What one field breaks, if it does. */
function fieldProblem(name: string, value: string): string | undefined {
  if (!isFieldName(name)) return 'a field name that HTTP does not allow';
  if (!isFieldValue(value)) return 'a field value that HTTP does not allow';
  if (CONNECTION_SPECIFIC.has(name)) return 'a field of the connection';
  if (name === 'te' && value.toLowerCase() !== 'trailers') return 'a te other than trailers';
  return undefined;
}

/** The request that the fields of a header block make. */
export function readRequest(fields: readonly string[]): Read<Http2Request> {
  const pseudo: Record<string, string | undefined> = {};
  let at = 0;
  for (; at < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]];
    if (!name.startsWith(':')) break;
    if (!PSEUDO.has(name)) return malformed('an unknown pseudo header');
    if (pseudo[name] !== undefined) return malformed('a pseudo header twice');
    if (!isFieldValue(value)) return malformed('a pseudo header that HTTP does not allow');
    pseudo[name] = value;
  }
  const headers = fields.slice(at);
  let contentLength: number | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]];
    const problem = fieldProblem(name, value);
    if (problem !== undefined) return malformed(problem);
    if (name !== 'content-length') continue;
    if (contentLength !== undefined || !CONTENT_LENGTH.test(value)) return malformed('a wrong content-length');
    contentLength = Number(value);
  }
  const {
    ':method': method,
    ':scheme': scheme,
    ':path': path,
    ':authority': authority,
    ':protocol': protocol,
  } = pseudo;
  if (method === undefined || !METHOD.test(method)) return malformed('no method, or a wrong one');
  if (method === 'CONNECT' && protocol === undefined) {
    if (scheme !== undefined || path !== undefined) return malformed('a CONNECT with a scheme or path');
    if (authority === undefined) return malformed('a CONNECT without an authority');
  } else {
    if (protocol !== undefined && method !== 'CONNECT') return malformed('a protocol without a CONNECT');
    if (scheme === undefined || !SCHEME.test(scheme)) return malformed('no scheme, or a wrong one');
    if (path === undefined || !PATH.test(path)) return malformed('no path, or a wrong one');
  }
  return { kind: 'good', value: { method, scheme, path, authority, protocol, headers, contentLength } };
}

/** The fields that follow a request's body (RFC 9113, section 8.1). */
export function readTrailers(fields: readonly string[]): Read<readonly string[]> {
  for (let index = 0; index < fields.length; index += 2) {
    const [name = '', value = ''] = [fields[index], fields[index + 1]];
    const problem = fieldProblem(name, value);
    if (problem !== undefined) return malformed(problem);
  }
  return { kind: 'good', value: fields };
}

function malformed(rule: string): { readonly kind: 'malformed'; readonly rule: string } {
  return { kind: 'malformed', rule };
}

/**
 * Fields as they are sent: names in lower case, and none that HTTP/2 forbids.
 *
 * @returns undefined when one of them cannot be sent
 */
export function sendableFields(flat: readonly string[]): readonly string[] | undefined {
  const fields: string[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    // What a server of HTTP/1.1 wrote around a value is not part of it.
    const value = (flat[index + 1] ?? '').replace(WHITE_SPACE_AROUND, '');
    if (name !== ':status' && fieldProblem(name, value) !== undefined) return undefined;
    fields.push(name, value);
  }
  return fields;
}
