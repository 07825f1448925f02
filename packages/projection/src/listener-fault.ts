import type { GatewaySpec } from '@pulseplane/resources';
import type { BindProtocol } from './gateway/resource.ts';
import type { RouteKind } from './route-object.ts';

export type GatewayListener = GatewaySpec['listeners'][number];

/** Why a listener cannot be served: a reason of Gateway API's listener condition Accepted, and a sentence. */
export type ListenerFault = {
  readonly reason: 'HostnameConflict' | 'ProtocolConflict' | 'UnsupportedProtocol';
  readonly message: string;
};

/** The routes that a listener takes, by what it speaks. */
const ROUTES: ReadonlyMap<string, RouteKind> = new Map([
  ['HTTP', 'HTTPRoute'],
  ['HTTPS', 'HTTPRoute'],
  ['TCP', 'TCPRoute'],
  ['TLS', 'TLSRoute'],
]);

/** The kind of routes that a listener takes; undefined when its protocol is not served. */
export function routeKindOf({ protocol, tls }: GatewayListener): RouteKind | undefined {
  return protocol === 'TLS' && tls?.mode !== 'Passthrough' ? 'TCPRoute' : ROUTES.get(protocol);
}

/** Whether TLS ends at a listener, so that it needs certificates. */
export function terminatesTls({ protocol, tls }: GatewayListener): boolean {
  return protocol === 'HTTPS' || (protocol === 'TLS' && tls?.mode !== 'Passthrough');
}

/** What is read first on the port of a listener. */
export function bindProtocolOf({ protocol }: GatewayListener): BindProtocol {
  if (protocol === 'TCP') return 'tcp';
  return protocol === 'HTTP' ? 'http' : 'tls';
}

/**
 * The listeners that cannot be served: those whose protocol is not, which rules of before allowed, and those whose port
 * an earlier listener of the gateway has with another protocol, or with the same server name.
 */
export function listenerFaults(listeners: readonly GatewayListener[]): ReadonlyMap<GatewayListener, ListenerFault> {
  const protocols = new Map<number, BindProtocol>();
  const serverNames = new Set<string>();
  const faults = new Map<GatewayListener, ListenerFault>();
  for (const listener of listeners) {
    const { port, protocol, hostname = '' } = listener;
    if (routeKindOf(listener) === undefined) {
      faults.set(listener, { reason: 'UnsupportedProtocol', message: `Protocol ${protocol} is not served` });
      continue;
    }
    const own = bindProtocolOf(listener);
    const holder = protocols.get(port) ?? own;
    protocols.set(port, holder);
    const serverName = `${port} ${hostname}`;
    if (holder !== own) {
      const message = `Another listener speaks another protocol on port ${port}`;
      faults.set(listener, { reason: 'ProtocolConflict', message });
    } else if (own === 'tls' && serverNames.has(serverName)) {
      const message = `Another listener has the same hostname for TLS on port ${port}`;
      faults.set(listener, { reason: 'HostnameConflict', message });
    }
    if (own === 'tls') serverNames.add(serverName);
  }
  return faults;
}
