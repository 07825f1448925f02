import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import { answer, type Exchange } from './exchange.ts';
import { headerValue } from './headers.ts';

/** Serves HTTP/1.1 on sockets that were accepted elsewhere. */
export type Http1Front = { serve(connection: Connection, http: EffectiveHttp): void };

const MAX_HEADER_BYTES = 65_536;
/** As hyper's. */
const DEFAULT_MAX_HEADERS = 100;

export function createHttp1Front(onExchange: (connection: Connection, exchange: Exchange) => void): Http1Front {
  const serving = new WeakMap<Socket, Http1Serving>();
  // Never listens. Its own timeouts are off: they are one value for all connections, a policy has one for each.
  const server: Server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
  });
  server.timeout = 0;
  server.maxHeadersCount = 0;

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const one = serving.get(request.socket);
    if (one === undefined) {
      response.destroy();
      return;
    }
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    one.begin(response);
    const exchange = toExchange(one.connection, request, response);
    const problem = refuse(request, exchange, one.http.http1MaxHeaders ?? DEFAULT_MAX_HEADERS);
    if (problem !== undefined) {
      response.shouldKeepAlive = false;
      answer(exchange, problem.status, problem.text);
      return;
    }
    onExchange(one.connection, exchange);
  };
  server.on('request', onRequest);
  server.on('connect', (_request, socket) =>
    refuseRaw(socket as Socket, '501 Not Implemented', 'CONNECT is not supported'),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const one = serving.get(socket as Socket);
    if (error.code?.startsWith('HPE_') !== true) return one?.connection.fail(error);
    one?.connection.explain('protocol_error');
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    refuseRaw(
      socket as Socket,
      tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request',
      tooLarge ? 'request header fields too large' : 'bad request',
    );
  });

  return {
    serve(connection, http) {
      const one = new Http1Serving(connection, http);
      serving.set(connection.socket, one);
      connection.serveAs(one);
      server.emit('connection', connection.socket);
    },
  };
}

/** One HTTP/1.1 connection: between requests it waits, with a limit. */
class Http1Serving implements Served {
  readonly protocol = 'http1';
  readonly connection: Connection;
  http: EffectiveHttp;
  readonly #open = new Set<ServerResponse>();
  #waitingSince = performance.now();
  #cancelWait: (() => void) | undefined;
  #closing = false;

  constructor(connection: Connection, http: EffectiveHttp) {
    this.connection = connection;
    this.http = http;
    this.#wait();
    connection.socket.once('close', () => this.#cancelWait?.());
  }

  begin(response: ServerResponse): void {
    this.#cancelWait?.();
    this.#open.add(response);
    if (this.#closing) response.shouldKeepAlive = false;
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#open.size > 0 || this.connection.socket.destroyed) return;
      if (this.#closing) return this.#end();
      this.#waitingSince = performance.now();
      this.#wait();
    });
  }

  applyHttp(http: EffectiveHttp): void {
    const changed = http.http1IdleTimeoutMs !== this.http.http1IdleTimeoutMs;
    this.http = http;
    if (changed && this.#open.size === 0) this.#wait();
  }

  closeGracefully(): void {
    this.#closing = true;
    if (this.#open.size === 0) {
      this.#end();
      return;
    }
    for (const response of this.#open) {
      if (!response.headersSent) response.shouldKeepAlive = false;
    }
  }

  destroy(): void {
    this.#cancelWait?.();
  }

  lastPingRttMs(): undefined {
    return undefined;
  }

  /** The wait for a whole request head: partial bytes do not extend it, as in agentgateway. */
  #wait(): void {
    this.#cancelWait?.();
    const left = this.http.http1IdleTimeoutMs - (performance.now() - this.#waitingSince);
    this.#cancelWait = longTimeout(left, () => this.connection.close('idle_timeout'));
  }

  #end(): void {
    this.#cancelWait?.();
    this.connection.socket.destroySoon();
  }
}

function toExchange(connection: Connection, request: IncomingMessage, response: ServerResponse): Exchange {
  const { target, authority } = splitTarget(request.url ?? '/', request.headers.host ?? '');
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  return {
    method: request.method ?? 'GET',
    target,
    authority,
    headers: request.rawHeaders,
    body: hasBody ? request : undefined,
    peerAddress: connection.peerAddress,
    sink: response,
    get closed() {
      return response.destroyed || connection.socket.destroyed;
    },
    onClosed: (callback) => void response.once('close', callback),
    respond(status, headers) {
      if (response.headersSent || response.destroyed) return false;
      response.writeHead(status, [...headers]);
      return true;
    },
    finish(trailers) {
      if (response.destroyed || response.writableEnded) return;
      if (trailers.length > 0) response.addTrailers(pairs(trailers));
      response.end();
    },
    abort: () => connection.close('upstream'),
  };
}

/** A target in absolute form (RFC 9112, section 3.2.2) carries the authority, and it wins over the host header. */
function splitTarget(url: string, host: string): { readonly target: string; readonly authority: string } {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(url);
  if (absolute === null) return { target: url, authority: host };
  const rest = absolute[2] ?? '';
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority: absolute[1] ?? host };
}

function refuse(
  request: IncomingMessage,
  exchange: Exchange,
  maxHeaders: number,
): { readonly status: number; readonly text: string } | undefined {
  if (request.rawHeaders.length / 2 > maxHeaders) return { status: 431, text: 'too many request header fields' };
  const upgrades = headerValue(request.rawHeaders, 'connection')?.toLowerCase().includes('upgrade') === true;
  if (upgrades && request.headers.upgrade?.toLowerCase() === 'websocket') {
    return { status: 501, text: 'websocket is not supported' };
  }
  if (!exchange.target.startsWith('/')) return { status: 400, text: 'bad request target' };
  return undefined;
}

/** Answers where there is no response object, then closes. */
function refuseRaw(socket: Socket, status: string, text: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${text}\n`;
  socket.write(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) result.push([flat[index] ?? '', flat[index + 1] ?? '']);
  return result;
}
