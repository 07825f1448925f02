/** The host of an authority, lower case, without port and without a final dot. IPv6 addresses keep their brackets. */
export function hostOf(authority: string): string {
  const withoutPort = authority.startsWith('[')
    ? authority.slice(0, authority.indexOf(']') + 1)
    : (authority.split(':', 1)[0] ?? '');
  const host = withoutPort.toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
