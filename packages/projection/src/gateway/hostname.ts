/** Whether a host name falls under a pattern: empty is every host, `*.example.com` any depth beneath example.com. */
export function hostnameMatches(pattern: string, host: string): boolean {
  if (pattern === '' || pattern === '*') return true;
  if (!pattern.startsWith('*.')) return pattern === host;
  const suffix = pattern.slice(1);
  return host.length > suffix.length && host.endsWith(suffix);
}

/** How specific a pattern is: an exact name beats every wildcard, a longer wildcard a shorter one, all beat none. */
export function hostnameRank(pattern: string): number {
  if (pattern === '' || pattern === '*') return 0;
  return pattern.startsWith('*.') ? pattern.length : 1_000 + pattern.length;
}
