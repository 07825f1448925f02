import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import type { SessionSettings } from '../http2/sending.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { AccessLog } from './access-log.ts';
import { headerLines, hostProblem, validTarget } from './authority.ts';
import { answer, type Exchange, NO_CONNECT } from './exchange.ts';
import { mayChangeTo } from './http1-upgrade.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { Http2Serving, type Http2ServingContext } from './http2-serving.ts';
import { createIdleSessions } from './idle-sessions.ts';

export type Http2Context = Omit<Http2ServingContext, 'idle' | 'onStream'> & {
  readonly accessLog?: AccessLog | undefined;
  onExchange(connection: Connection, exchange: Exchange): void;
};

/** Serves HTTP/2 on sockets that were accepted elsewhere and have shown the preface. */
export type Http2Front = { serve(connection: Connection, http: EffectiveHttp): void };

/** Where the reference adapts its windows to the path, these are fixed. Bytes. */
const WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** As hyper's. */
const MAX_HEADER_BYTES = 16_384;
const MAX_FRAME_BYTES = 16_384;
const MAX_CONCURRENT_STREAMS = 200;

export function createHttp2Front(context: Http2Context): Http2Front {
  const idle = createIdleSessions<Connection>(context.limits.http2IdleMs, (connection) =>
    connection.closeGracefully('idle_timeout'),
  );

  const onStream = (connection: Connection, stream: Http2Stream) => {
    const exchange = new Http2Exchange(stream, connection.peerAddress);
    context.accessLog?.started(connection, exchange);
    const problem = authorityProblem(stream);
    if (exchange.method === 'CONNECT') answer(exchange, 405, 'CONNECT is not served', NO_CONNECT);
    else if (!validTarget(exchange.target)) answer(exchange, 400, 'bad request target');
    else if (problem !== undefined) answer(exchange, 400, problem);
    else if (exchange.upgrade !== undefined && !mayChangeTo(exchange.upgrade.protocol)) {
      answer(exchange, 501, 'no change to that protocol');
    } else context.onExchange(connection, exchange);
  };

  const serving: Http2ServingContext = { ...context, idle, onStream };
  return {
    serve: (connection, http) => connection.serveAs(new Http2Serving(connection, settingsOf(http), serving)),
  };
}

function settingsOf(http: EffectiveHttp): SessionSettings {
  return {
    windowBytes: http.http2WindowSize ?? WINDOW_BYTES,
    connectionWindowBytes: http.http2ConnectionWindowSize ?? CONNECTION_WINDOW_BYTES,
    maxFrameBytes: http.http2FrameSize ?? MAX_FRAME_BYTES,
    maxHeaderBytes: http.http2MaxHeaderSize ?? MAX_HEADER_BYTES,
    maxStreams: MAX_CONCURRENT_STREAMS,
  };
}

function authorityProblem({ request: { authority, headers } }: Http2Stream): string | undefined {
  const hosts = headerLines(headers, 'host');
  const [host] = hosts;
  const problem = hostProblem(hosts, authority, authority !== undefined);
  if (problem !== undefined || host === undefined || authority === undefined) return problem;
  // One of the two would be routed by, the other read by the backend (RFC 9113, section 8.3.1).
  return host.toLowerCase() === authority.toLowerCase() ? undefined : 'host and authority differ';
}
