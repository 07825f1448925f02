import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import type { Limits } from '../limits.ts';
import { answer, type Exchange } from './exchange.ts';
import { refuse, toExchange } from './http1-exchange.ts';
import { Http1Serving } from './http1-serving.ts';

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

export function createHttp1Front(
  limits: Limits,
  onExchange: (connection: Connection, exchange: Exchange) => void,
): Http1Front {
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

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const one = serving.get(request.socket);
    if (one === undefined) {
      response.destroy();
      return;
    }
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    one.takeTurn(response, () => {
      const exchange = toExchange(one.connection, request, response);
      const problem = refuse(request, exchange, one.http.http1MaxHeaders ?? DEFAULT_MAX_HEADERS);
      if (problem === undefined) return onExchange(one.connection, exchange);
      response.shouldKeepAlive = false;
      answer(exchange, problem.status, problem.text);
    });
  });

  /** Answers where there is no response object, then closes. */
  const refuseRaw = (socket: Socket, status: string, text: string) => {
    // In the middle of an answer it would be taken for a part of that.
    if (!socket.writable || serving.get(socket)?.answering === true) {
      socket.destroy();
      return;
    }
    const body = `${text}\n`;
    socket.write(
      `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.destroySoon();
  };

  server.on('connect', (_request, socket) =>
    refuseRaw(socket as Socket, '501 Not Implemented', 'CONNECT is not supported'),
  );
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
