import { isIP } from 'node:net';
import { badRequest, forbidden, type Status } from './status.ts';

/**
 * Refuses what a browser could be tricked into sending: a Host that is not ours (DNS rebinding) and an Origin
 * that is not the page of this very server. Returns the refusal, or undefined.
 */
export function refuseForeign(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  allowedHosts: readonly string[],
): Status | undefined {
  if (headers.host === undefined) return badRequest('the request has no Host header');
  const host = headers.host.toLowerCase();
  if (!isKnownHost(host, allowedHosts)) {
    return forbidden(`the host ${JSON.stringify(host)} is not known; it has to be one of the allowed hosts`);
  }
  const { origin } = headers;
  if (origin === undefined || originHost(origin) === host) return undefined;
  return forbidden(`the origin ${JSON.stringify(origin)} is not allowed; requests from other sites are refused`);
}

function isKnownHost(host: string, allowedHosts: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '');
  // A name can be made to resolve to this machine by somebody else's DNS; an address cannot.
  if (name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
  return allowedHosts.some((allowed) => {
    const known = allowed.toLowerCase();
    return known === name || known === host;
  });
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
