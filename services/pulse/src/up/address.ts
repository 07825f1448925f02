import { isIPv6 } from 'node:net';

/** How an address that is listened on is called in a URL on this machine: "every address" is reached by loopback. */
export function urlHost(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return isIPv6(address) ? `[${address}]` : address;
}
