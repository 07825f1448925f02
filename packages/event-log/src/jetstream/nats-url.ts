import { StorageFault } from '../storage-fault.ts';

/** How to reach NATS. `servers` have no credentials in them, so they may be shown. */
export type NatsAddress = {
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
};

/**
 * Reads `nats://user:password@host:port`; several servers are separated by commas, and a user without a password is a
 * token. The client does not take credentials out of a URL itself. Throws a StorageFault that does not repeat the URL.
 */
export function parseNatsUrl(text: string): NatsAddress {
  const urls = text
    .split(',')
    .filter((part) => part !== '')
    .map(parseOne);
  const [first] = urls;
  if (first === undefined) throw new StorageFault('unavailable', 'the NATS URL is empty');
  const user = decodeURIComponent(first.username);
  const pass = decodeURIComponent(first.password);
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || '4222'}`),
    tls: urls.some((url) => url.protocol === 'tls:'),
    ...(user !== '' && pass !== '' && { user, pass }),
    ...(user !== '' && pass === '' && { token: user }),
  };
}

function parseOne(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new StorageFault('unavailable', 'the NATS URL is not like nats://user:password@host:4222');
  }
  return url;
}
