import type { ClientHttp2Session } from 'node:http2';
import { getTcpInfo, socketFd } from '@pulseplane/keepalive';
import { longTimeout } from '../connection/long-timeout.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

type Carrying = {
  readonly session: ClientHttp2Session;
  readonly connection: UpstreamConnection;
  /** Requests that were given up while others waited for their place: what was to be sent of them waits on. */
  givenUp: number;
};

const LOOK_MS = 500;
/** One look may fall between a request and its sending. */
const LOOKS = 3;

/**
 * Ends a session that has stopped, with its requests. On one on which the backend breaks HTTP/2 Node sends a GOAWAY, and
 * then neither sends nor reads, and says so to nobody: what is under way and whatever is asked later would wait for as long
 * as a request may.
 *
 * @param onRest called when nothing is under way any more, with which the looking ends
 */
export function endIfStuck(carrying: Carrying, onRest: () => void): void {
  const { session, connection } = carrying;
  let looks = 0;
  const look = () => {
    if (session.destroyed || connection.underWay === 0) return onRest();
    looks = isStuck(carrying) ? looks + 1 : 0;
    if (looks === LOOKS) session.destroy(new Error('the session has stopped, because the backend broke HTTP/2'));
    else longTimeout(LOOK_MS, look);
  };
  longTimeout(LOOK_MS, look);
}

/** A request is over, and about to count no more. */
export function noteOver(carrying: Carrying): void {
  if (carrying.connection.underWay > mostStreams(carrying)) carrying.givenUp += 1;
}

/** All that was written is with the backend, and what should follow does not, or its end has come and is not read. */
function isStuck(carrying: Carrying): boolean {
  const { transport, underWay } = carrying.connection;
  const most = mostStreams(carrying);
  // There is room, so all of it has gone.
  if (underWay < most) carrying.givenUp = 0;
  const fd = socketFd(transport);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  if (info?.ok !== true || (info.value.bytesAcked ?? 0) < transport.bytesWritten) return false;
  // Requests beyond what the backend takes at once wait there too.
  const held = Math.max(0, underWay - most) + carrying.givenUp;
  return info.value.state === 'CLOSE_WAIT' || (carrying.session.state.outboundQueueSize ?? 0) > held;
}

function mostStreams({ session }: Carrying): number {
  return session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
}
