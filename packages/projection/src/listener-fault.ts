import type { GatewaySpec } from '@pulseplane/resources';
import type { RouteKind } from './route-object.ts';

export type GatewayListener = GatewaySpec['listeners'][number];

/** Why a listener cannot be served: a reason of Gateway API's listener condition Accepted, and a sentence. */
export type ListenerFault = { readonly reason: 'ProtocolConflict' | 'UnsupportedProtocol'; readonly message: string };

/** The routes that a listener takes, by what it speaks. */
const ROUTES: ReadonlyMap<string, RouteKind> = new Map([
  ['HTTP', 'HTTPRoute'],
  ['TCP', 'TCPRoute'],
  ['TLS', 'TLSRoute'],
]);

/** The kind of routes that a listener takes; undefined when its protocol is not served. */
export function routeKindOf({ protocol, tls }: GatewayListener): RouteKind | undefined {
  return protocol === 'TLS' && tls?.mode !== 'Passthrough' ? undefined : ROUTES.get(protocol);
}

/**
 * The listeners that cannot be served: those whose protocol is not, which rules of before allowed, and those whose port
 * an earlier listener of the gateway has with another protocol.
 */
export function listenerFaults(listeners: readonly GatewayListener[]): ReadonlyMap<GatewayListener, ListenerFault> {
  const protocols = new Map<number, string>();
  const faults = new Map<GatewayListener, ListenerFault>();
  for (const listener of listeners) {
    const { port, protocol } = listener;
    if (routeKindOf(listener) === undefined) {
      faults.set(listener, { reason: 'UnsupportedProtocol', message: `Protocol ${protocol} is not served` });
      continue;
    }
    const holder = protocols.get(port) ?? protocol;
    protocols.set(port, holder);
    if (holder === protocol) continue;
    faults.set(listener, {
      reason: 'ProtocolConflict',
      message: `Another listener speaks another protocol on port ${port}`,
    });
  }
  return faults;
}
