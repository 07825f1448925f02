import type { GatewaySpec } from '@pulseplane/resources';

export type GatewayListener = GatewaySpec['listeners'][number];

/** The listeners that cannot be served because an earlier one of the gateway has their port with another protocol. */
export function conflictingListeners(listeners: readonly GatewayListener[]): ReadonlySet<GatewayListener> {
  const protocols = new Map<number, string>();
  const conflicts = new Set<GatewayListener>();
  for (const listener of listeners) {
    const holder = protocols.get(listener.port) ?? listener.protocol;
    protocols.set(listener.port, holder);
    if (holder !== listener.protocol) conflicts.add(listener);
  }
  return conflicts;
}
