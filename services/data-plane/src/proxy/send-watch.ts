import { getTcpInfo, socketFd } from '@pulseplane/keepalive';
import type { Connection } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';

/** Ends answers that their client does not take. */
export type SendWatch = {
  /** Something waits to be sent on a connection of HTTP; cheap when it is known already. */
  watch(connection: Connection): void;
};

/** What the client's kernel had acknowledged, and since when it is no more. */
type Progress = { bytesAcked: number | undefined; since: number };

const MOST_BETWEEN_LOOKS_MS = 1_000;

/**
 * What counts is what the client's kernel takes, not what the worker's has room for: that comes in large steps, so that
 * a slow client would seem to take nothing for long. Only connections on which something waits are looked at.
 *
 * @param limitMs how long a client may take nothing of what waits
 */
export function createSendWatch(limitMs: number): SendWatch {
  const waiting = new Map<Connection, Progress>();
  const betweenMs = Math.min(MOST_BETWEEN_LOOKS_MS, limitMs / 4);
  let isArmed = false;

  /** Whether something may still wait. */
  const look = (connection: Connection, progress: Progress, now: number): boolean => {
    const { socket, served, protocol } = connection;
    // What came of an upgrade may be silent for as long as its two ends like.
    if (socket.destroyed || (protocol !== 'http1' && protocol !== 'http2')) return false;
    const isBlocked = served?.endStalled?.(limitMs) === true;
    if (socket.writableLength === 0) {
      progress.since = now;
      return isBlocked;
    }
    const bytesAcked = acknowledged(connection);
    if (bytesAcked === undefined || bytesAcked !== progress.bytesAcked) {
      progress.bytesAcked = bytesAcked;
      progress.since = now;
    }
    if (now - progress.since < limitMs) return true;
    connection.close('send_timeout');
    return false;
  };

  const lookAtAll = () => {
    isArmed = false;
    const now = performance.now();
    for (const [connection, progress] of waiting) {
      try {
        if (look(connection, progress, now)) continue;
      } catch (thrown) {
        connection.fault(thrown);
      }
      waiting.delete(connection);
    }
    arm();
  };
  const arm = () => {
    if (isArmed || waiting.size === 0) return;
    isArmed = true;
    longTimeout(betweenMs, lookAtAll);
  };

  return {
    watch(connection) {
      if (waiting.has(connection)) return;
      waiting.set(connection, { bytesAcked: undefined, since: performance.now() });
      arm();
    },
  };
}

/** Undefined where the kernel does not tell. */
function acknowledged({ socket }: Connection): number | undefined {
  const fd = socketFd(socket);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  return info?.ok === true ? info.value.bytesAcked : undefined;
}
