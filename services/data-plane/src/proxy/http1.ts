import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import type { Limits } from '../limits.ts';
import type { AccessLog } from './access-log.ts';
import { answer, type Exchange, NO_CONNECT } from './exchange.ts';
import { Http1Exchange, type Refusal, refuse } from './http1-exchange.ts';
import { Http1Serving } from './http1-serving.ts';
import { http1Upgrade, lastResponse, putBack, wantedProtocols } from './http1-upgrade.ts';
import type { SendWatch } from './send-watch.ts';

/** Serves HTTP/1.1 on sockets that were accepted elsewhere. */
export type Http1Front = {
  serve(connection: Connection, http: EffectiveHttp): void;
  /** Stops looking for late request heads. */
  close(): void;
};

const MAX_HEADER_BYTES = 65_536;
/** As hyper's. */
const DEFAULT_MAX_HEADERS = 100;
const LONGEST_CHECK_INTERVAL_MS = 1_000;

export type Http1Context = {
  readonly limits: Limits;
  readonly sends: SendWatch;
  readonly accessLog?: AccessLog | undefined;
  onExchange(connection: Connection, exchange: Exchange): void;
  /** The connection carries another protocol from now on. */
  onUpgraded(connection: Connection): void;
};

export function createHttp1Front({ limits, sends, accessLog, onExchange, onUpgraded }: Http1Context): Http1Front {
  const serving = new WeakMap<Socket, Http1Serving>();
  // Never listens. Its timeouts are one value for all connections, so those for which a policy has a value are off.
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: 0,
    headersTimeout: limits.requestHeadMs,
    connectionsCheckingInterval: Math.min(LONGEST_CHECK_INTERVAL_MS, Math.ceil(limits.requestHeadMs / 10)),
    requestTimeout: 0,
    // Checked with the rest of the host rules, when it is the request's turn.
    requireHostHeader: false,
  });
  server.timeout = 0;
  server.maxHeadersCount = 0;
  // What starts the check for late heads; only the parser knows when a head began.
  server.emit('listening');

  /** Runs what an event of a connection leads to. */
  const guard = (socket: Socket, step: () => void) => {
    const one = serving.get(socket);
    if (one === undefined) step();
    else one.connection.guard(step);
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse, refusal?: Refusal) => {
    const one = serving.get(request.socket);
    if (one === undefined) {
      response.destroy();
      return;
    }
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    one.takeTurn(response, () =>
      begin(one, request, response, new Http1Exchange(one.connection, request, response, sends), refusal),
    );
  };
  server.on('request', (request, response) => guard(request.socket, () => onRequest(request, response)));
  // Node answers these by itself where nobody listens, at once and unlogged.
  server.on('checkExpectation', (request, response) =>
    guard(request.socket, () => onRequest(request, response, { status: 417, text: 'the expectation is not known' })),
  );

  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket;
    guard(socket, () => onUpgrade(request, socket, head));
  });

  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const one = serving.get(socket);
    if (one === undefined) {
      socket.destroy();
      return;
    }
    const { connection } = one;
    const protocols = wantedProtocols(request);
    if (protocols === undefined) {
      one.takeTurn(undefined, () => {
        if (putBack(request, socket, head)) server.emit('connection', socket);
        else connection.close('protocol_error');
      });
      return;
    }
    const response = lastResponse(request, socket);
    if (head.length > 0) socket.unshift(head);
    one.takeTurn(response, () => {
      response.assignSocket(socket);
      const upgrade = http1Upgrade(connection, request, response, protocols, () => onUpgraded(connection));
      begin(one, request, response, new Http1Exchange(connection, request, response, sends, upgrade));
    });
  };

  const begin = (
    one: Http1Serving,
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    refusal?: Refusal,
  ) => {
    accessLog?.started(one.connection, exchange);
    const problem = refuse(request, exchange, one.http.http1MaxHeaders ?? DEFAULT_MAX_HEADERS) ?? refusal;
    if (problem === undefined) return onExchange(one.connection, exchange);
    response.shouldKeepAlive = false;
    answer(exchange, problem.status, problem.text);
  };

  /** Answers where there is no response object, then closes. */
  const refuseRaw = (socket: Socket, status: string, text: string, more = '') => {
    // In the middle of an answer it would be taken for a part of that.
    if (!socket.writable || serving.get(socket)?.answering === true) {
      socket.destroy();
      return;
    }
    const body = `${text}\n`;
    socket.write(
      `HTTP/1.1 ${status}\r\n${more}connection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.destroySoon();
  };

  server.on('connect', (_request, duplex) => {
    const socket = duplex as Socket;
    serving.get(socket)?.connection.explain('protocol_error');
    refuseRaw(socket, '405 Method Not Allowed', 'CONNECT is not served', `${NO_CONNECT.join(': ')}\r\n`);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    const one = serving.get(socket);
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      if (one?.headLate() === false) return;
      one?.connection.explain('first_byte_timeout');
      return refuseRaw(socket, '408 Request Timeout', 'the request head did not arrive in time');
    }
    if (error.code?.startsWith('HPE_') !== true) return one?.connection.fail(error);
    one?.connection.explain('protocol_error');
    if (error.code === 'HPE_HEADER_OVERFLOW') {
      refuseRaw(socket, '431 Request Header Fields Too Large', 'request header fields too large');
    } else refuseRaw(socket, '400 Bad Request', 'bad request');
  });

  return {
    serve(connection, http) {
      const one = new Http1Serving(connection, http, limits);
      serving.set(connection.socket, one);
      connection.serveAs(one);
      server.emit('connection', connection.socket);
    },
    close: () => void server.close(),
  };
}
