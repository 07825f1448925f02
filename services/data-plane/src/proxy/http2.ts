import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import type { ResponseFollows } from '../upstream/http-client.ts';
import type { AccessLog } from './access-log.ts';
import { headerLines, hostProblem, validTarget } from './authority.ts';
import { answer, type Exchange, NO_CONNECT } from './exchange.ts';
import { headerValue, toHeaderObject, withoutNames } from './headers.ts';
import { Http2Serving, type Http2ServingContext } from './http2-serving.ts';

export type Http2Context = Http2ServingContext & {
  readonly accessLog?: AccessLog | undefined;
  onExchange(connection: Connection, exchange: Exchange): void;
};

/** Where the reference adapts its windows to the path, these are fixed. Bytes. */
const WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** As hyper's. */
const MAX_HEADER_BYTES = 16_384;
const MAX_CONCURRENT_STREAMS = 200;

/** Serves HTTP/2 on a socket that was accepted elsewhere and has shown the preface. */
export function serveHttp2(connection: Connection, http: EffectiveHttp, context: Http2Context): void {
  const session = performServerHandshake(connection.socket, {
    settings: {
      initialWindowSize: http.http2WindowSize ?? WINDOW_BYTES,
      maxFrameSize: http.http2FrameSize ?? MAX_HEADER_BYTES,
      maxHeaderListSize: http.http2MaxHeaderSize ?? MAX_HEADER_BYTES,
      maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
      enableConnectProtocol: true,
    },
  });
  session.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith('ERR_HTTP2_') === true) connection.close('protocol_error');
    else connection.fail(error);
  });
  session.on('close', () => connection.socket.destroy());
  session.setLocalWindowSize(http.http2ConnectionWindowSize ?? CONNECTION_WINDOW_BYTES);
  session.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw?: string[]) => {
    // A stream that is reset reports it here too; the exchange hears of it by its close.
    stream.on('error', () => undefined);
    const exchange = toExchange(connection, session, stream, raw ?? []);
    context.accessLog?.started(connection, exchange);
    const [authority] = headerLines(raw ?? [], ':authority');
    const hosts = headerLines(raw ?? [], 'host');
    const problem =
      hostProblem(hosts, authority, authority !== undefined) ??
      // One of the two would be routed by, the other read by the backend (RFC 9113, section 8.3.1).
      (sameHost(hosts[0], authority) ? undefined : 'host and authority differ');
    if (exchange.method === 'CONNECT') answer(exchange, 405, 'CONNECT is not served', NO_CONNECT);
    else if (!validTarget(exchange.target)) answer(exchange, 400, 'bad request target');
    else if (problem !== undefined) answer(exchange, 400, problem);
    else context.onExchange(connection, exchange);
  });
  connection.serveAs(new Http2Serving(connection, session, context));
}

function sameHost(host: string | undefined, authority: string | undefined): boolean {
  return host === undefined || authority === undefined || host.toLowerCase() === authority.toLowerCase();
}

function toExchange(
  connection: Connection,
  session: ServerHttp2Session,
  stream: ServerHttp2Stream,
  raw: readonly string[],
): Exchange {
  const pseudo = new Map<string, string>();
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    if (name.startsWith(':')) pseudo.set(name, value);
    else headers.push(name, value);
  }
  if (headerValue(headers, 'expect')?.toLowerCase() === '100-continue' && !stream.destroyed) {
    stream.additionalHeaders({ ':status': 100 });
  }
  let received: readonly string[] = [];
  stream.on('trailers', (_headers, _flags, list?: readonly string[]) => {
    received = list ?? [];
  });
  let promised = false;
  let pendingTrailers: readonly string[] = [];
  const gone = () => stream.destroyed || stream.closed || session.destroyed;
  const sendHead = (status: number, list: readonly string[], follows: ResponseFollows): boolean => {
    if (gone() || stream.headersSent) return false;
    try {
      stream.respond(
        { ':status': status, ...toHeaderObject(list) },
        { waitForTrailers: follows === 'trailers', endStream: follows === 'nothing' },
      );
      return true;
    } catch {
      // The upstream sent a header that HTTP/2 forbids.
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return false;
    }
  };
  const accept = (_chosen: string, list: readonly string[]) => {
    const headers = withoutNames(list, ['sec-websocket-accept']);
    return sendHead(200, headers, 'body') ? stream : undefined;
  };
  // An upgrade as HTTP/2 has it (RFC 8441): routed as the GET that it is over HTTP/1.1.
  const protocol = pseudo.get(':method') === 'CONNECT' ? pseudo.get(':protocol')?.toLowerCase() : undefined;
  return {
    method: protocol === undefined ? (pseudo.get(':method') ?? 'GET') : 'GET',
    target: pseudo.get(':path') ?? '',
    authority: pseudo.get(':authority') ?? headerValue(headers, 'host') ?? '',
    headers,
    body: stream.endAfterHeaders || protocol !== undefined ? undefined : stream,
    trailers: () => received,
    upgrade: protocol === undefined ? undefined : { protocol, accept },
    peerAddress: connection.peerAddress,
    get status() {
      const status = stream.sentHeaders?.[':status'];
      return status === undefined ? undefined : Number(status);
    },
    get isAnswered() {
      return stream.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    },
    get closed() {
      return gone();
    },
    onClosed: (callback) => void stream.once('close', callback),
    inform(status, list) {
      if (gone() || stream.headersSent) return;
      try {
        stream.additionalHeaders({ ':status': status, ...toHeaderObject(list) });
      } catch {
        // A header that HTTP/2 forbids: the answer itself follows.
      }
    },
    respond(status, list, follows) {
      // Of an upgrade it would say that the backend has taken it.
      const refused = protocol !== undefined && status < 300;
      if (!sendHead(refused ? 502 : status, list, follows)) return false;
      promised = follows === 'trailers';
      if (promised) {
        stream.once('wantTrailers', () => {
          if (gone()) return;
          try {
            stream.sendTrailers(toHeaderObject(pendingTrailers));
          } catch {
            stream.close(constants.NGHTTP2_INTERNAL_ERROR);
          }
        });
      }
      return true;
    },
    write: (chunk) => stream.write(chunk),
    onDrain: (callback) => void stream.on('drain', callback),
    finish(trailers) {
      if (gone() || stream.writableEnded) return;
      pendingTrailers = trailers;
      stream.end(() => {
        // The answer is out; what the client still uploads is not wanted (RFC 9113, section 8.1).
        const uploading = !stream.endAfterHeaders && !stream.readableEnded;
        if (uploading && !promised && !gone()) stream.close(constants.NGHTTP2_NO_ERROR);
      });
    },
    // The stream's end says it; the session goes on.
    giveUpBody: () => undefined,
    abort() {
      if (!gone()) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    },
  };
}
