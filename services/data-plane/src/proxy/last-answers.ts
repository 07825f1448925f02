import type { Socket } from 'node:net';
import { getTcpInfo, socketFd, type TcpInfo } from '@pulseplane/keepalive';
import { longTimeout } from '../connection/long-timeout.ts';

const BETWEEN_LOOKS_MS = 1_000;
/** Silence after which a client that has everything is done with it. */
const SILENT_MS = 1_000;
/** The same of one that takes its time; nginx's `lingering_timeout`. */
const SLOW_SILENT_MS = 5_000;
/** How long it may take nothing of what is left, or not end its side when it has all; nginx's `lingering_time`. */
const LONGEST_MS = 30_000;

/**
 * Ends a socket, and destroys it when the client has all that was written. Clients of HTTP/2 go on to send windows while
 * they read: of a socket that is no more, those are answered with a reset, and what was on its way is lost.
 *
 * @param readAt when something came from the client last, as `performance.now()` counts
 */
export function endWhenTaken(socket: Socket, readAt: () => number): void {
  let hadAll = true;
  let silentMs = SILENT_MS;
  let bytesAcked: number | undefined;
  let since = performance.now();
  const look = () => {
    if (socket.destroyed) return;
    const now = performance.now();
    const fd = socketFd(socket);
    const read = fd === undefined ? undefined : getTcpInfo(fd);
    const info = read?.ok === true ? read.value : undefined;
    const hasAll = socket.writableFinished && (info === undefined || isTaken(info));
    if (!hasAll) silentMs = SLOW_SILENT_MS;
    if (hasAll !== hadAll || (!hasAll && info?.bytesAcked !== bytesAcked)) since = now;
    hadAll = hasAll;
    bytesAcked = info?.bytesAcked;
    const isDone = hasAll && now - Math.max(since, readAt()) >= silentMs;
    if (isDone || now - since >= LONGEST_MS) socket.destroy();
    else longTimeout(BETWEEN_LOOKS_MS, look);
  };
  socket.end();
  longTimeout(BETWEEN_LOOKS_MS, look);
}

/** The end that follows the last byte is acknowledged too, or alone on its way: some kernels take their time for that. */
function isTaken({ state, unackedSegments, notSentBytes }: TcpInfo): boolean {
  return state !== 'FIN_WAIT1' || (unackedSegments <= 1 && notSentBytes === 0);
}
