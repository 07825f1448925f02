import { constants } from 'node:os';
import { getSocketError, getTcpInfo, getUnreadBytes, socketFd, type TcpInfo } from '@pulseplane/keepalive';
import { tcpError } from '../transport/tcp-binding.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';

/** How soon a dead peer is found: TCP keepalive as it was asked for. */
type Probing = { readonly idleSeconds: number; readonly intervalSeconds: number; readonly probes: number };

/** What is looked at; the time of the next look is kept there, and has to be set back when the limit changes. */
export type Watched = {
  readonly transport: TcpSocket;
  nextLookAt: number;
  readonly isRaw?: boolean;
  /** It has ended its side, and all that it sent went on. Absent, for backends: their clients have time for the rest. */
  readonly isHeardOut?: boolean;
};

/** Between two looks at most. Milliseconds. */
const LOOK_MS = 30_000;
const { EPIPE } = constants.errno;
const UNACKNOWLEDGED = 'the peer acknowledged nothing for as long as TCP keepalive waits';

/**
 * Looks for a peer that is gone without the event loop hearing of it, and gives the error that stands for it.
 *
 * The kernel does not probe while it has data to send, and goes on for a quarter of an hour or more. A peer that reads
 * slowly acknowledges, at least the kernel's probes of its closed window, and is not dead; TCP_USER_TIMEOUT would end it
 * too. And what the kernel does find is heard only by who reads or writes: not while the other side takes nothing, and
 * not after the peer's own end, of which raw bytes know no time that is too long.
 *
 * @param probing undefined: the kernel does not probe
 * @param now `performance.now()`
 */
export function deadPeerError(
  watched: Watched,
  probing: Probing | undefined,
  now: number,
): NodeJS.ErrnoException | undefined {
  if (now < watched.nextLookAt) return undefined;
  watched.nextLookAt = now + LOOK_MS;
  if (probing === undefined && watched.isRaw !== true) return undefined;
  const { transport } = watched;
  const fd = socketFd(transport);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  if (fd === undefined || info?.ok !== true) return undefined;
  if (info.value.state === 'CLOSE') {
    if (watched.isHeardOut === undefined) return undefined;
    const errno = getSocketError(fd);
    // Who has ended and went has sent all, and that is carried on first. The kernel counts the end as a byte.
    const hasEnded = (info.value.bytesReceived ?? 0) > transport.bytesRead + getUnreadBytes(fd);
    if (hasEnded ? !watched.isHeardOut : errno === 0) return undefined;
    return tcpError(-(errno || EPIPE), 'read');
  }
  if (probing === undefined) return undefined;
  const limitMs = (probing.idleSeconds + probing.intervalSeconds * probing.probes) * 1_000;
  // Whatever comes only puts it off.
  watched.nextLookAt = Math.min(watched.nextLookAt, now + limitMs - info.value.lastAckReceivedMs);
  if (!isOverdue(info.value, limitMs)) return undefined;
  return Object.assign(new Error(UNACKNOWLEDGED), { code: 'ETIMEDOUT' });
}

/** Nothing was heard of the peer, in answer or by itself, while the kernel sent the same again or probed its window. */
export function isOverdue(
  info: Pick<TcpInfo, 'unackedSegments' | 'retransmits' | 'notSentBytes' | 'unansweredProbes' | 'lastAckReceivedMs'>,
  limitMs: number,
): boolean {
  const isSentAgain = info.unackedSegments > 0 && info.retransmits > 0;
  // One may just be on its way: probes of a window come ever less often, and later than the limit in the end.
  const isShut = (info.notSentBytes ?? 0) > 0 && info.unansweredProbes > 1;
  return (isSentAgain || isShut) && info.lastAckReceivedMs >= limitMs;
}
