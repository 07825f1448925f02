import { isIPv6 } from 'node:net';

const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+)(?::(\d{0,5}))?$/i;
const LAST_PORT = 65_535;

/**
 * Why a request's host is not acceptable (RFC 9112, section 3.2), or undefined when it is.
 *
 * @param hosts the values of all `host` lines
 * @param authority of an absolute target or an HTTP/2 request, if there is one
 * @param mayLack a `host` line: HTTP/1.0 knows none, and HTTP/2 has the authority in its place
 */
export function hostProblem(
  hosts: readonly string[],
  authority: string | undefined,
  mayLack: boolean,
): string | undefined {
  if (hosts.length > 1) return 'more than one host';
  const [host] = hosts;
  if (host !== undefined && !validAuthority(host)) return 'bad host';
  if (host === undefined && !mayLack) return 'no host';
  return authority === undefined || validAuthority(authority) ? undefined : 'bad authority';
}

/** Host and port, without userinfo: that would make one host look like another. */
function validAuthority(authority: string): boolean {
  const match = AUTHORITY.exec(authority);
  if (match === null) return false;
  const [, ipv6, port] = match;
  return (ipv6 === undefined || isIPv6(ipv6)) && Number(port ?? 0) <= LAST_PORT;
}

/** Path and query, without a fragment: the backend would cut that off, and what is routed by would not be what it reads. */
export function validTarget(target: string): boolean {
  return target.startsWith('/') && !target.includes('#');
}

/** The values of all lines of a header in a flat list. */
export function headerLines(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name);
}
