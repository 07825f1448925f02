import type { Bind, GatewayResource, ListenerProtocol } from './resource.ts';

/** What a port speaks. One of TLS speaks HTTP within it, `https`, when one of its listeners does. */
export function portProtocol({ key, protocol }: Bind, resources: readonly GatewayResource[]): ListenerProtocol {
  const isHttps = resources.some(
    (resource) => resource.kind === 'listener' && resource.bindKey === key && resource.protocol === 'https',
  );
  return isHttps ? 'https' : protocol;
}

/** Whether requests are read there, so that HTTP settings count. */
export function carriesHttp(protocol: ListenerProtocol): boolean {
  return protocol === 'http' || protocol === 'https';
}

/** Whether handshakes may be made there, so that TLS settings count. */
export function carriesTls(protocol: ListenerProtocol): boolean {
  return protocol === 'https' || protocol === 'tls';
}
