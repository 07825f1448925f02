import { getTcpInfo, socketFd, type TcpInfo } from '@pulseplane/keepalive';
import type { TcpSocket } from '../transport/tcp-socket.ts';

/** How soon a dead peer is found: TCP keepalive as it was asked for. */
type Probing = { readonly idleSeconds: number; readonly intervalSeconds: number; readonly probes: number };

/** What is looked at; the time of the next look is kept there, and has to be set back when the limit changes. */
export type Watched = { readonly transport: TcpSocket; nextUnacknowledgedCheckAt: number };

/**
 * Whether a peer has left data unacknowledged for as long as TCP keepalive would take to give it up. The kernel does not
 * probe while it retransmits, and goes on for a quarter of an hour. A peer that reads slowly acknowledges, at least the
 * kernel's probes of its closed window, and is not dead; TCP_USER_TIMEOUT would end it too.
 *
 * @param now `performance.now()`
 */
export function isUnacknowledged(watched: Watched, probing: Probing, now: number): boolean {
  if (now < watched.nextUnacknowledgedCheckAt) return false;
  const limitMs = (probing.idleSeconds + probing.intervalSeconds * probing.probes) * 1_000;
  const fd = socketFd(watched.transport);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  if (info?.ok !== true) return false;
  // Whatever comes only puts it off.
  watched.nextUnacknowledgedCheckAt = now + limitMs - info.value.lastAckReceivedMs;
  return isOverdue(info.value, limitMs);
}

/** Nothing was heard of the peer, in answer or by itself, while the kernel sent the same again. */
export function isOverdue(
  {
    unackedSegments,
    retransmits,
    lastAckReceivedMs,
  }: Pick<TcpInfo, 'unackedSegments' | 'retransmits' | 'lastAckReceivedMs'>,
  limitMs: number,
): boolean {
  return unackedSegments > 0 && retransmits > 0 && lastAckReceivedMs >= limitMs;
}
