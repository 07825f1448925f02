import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import { upgradedProtocol } from '../connection/connection.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Dial } from './dial.ts';
import {
  type HttpClient,
  originOf,
  type UpstreamHandler,
  type UpstreamRequest,
  type UpstreamRoute,
} from './http-client.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { sameKeepalive, type UpstreamRegistry } from './upstream-registry.ts';
import { websocketKey } from './websocket-key.ts';

const MAX_HEADER_BYTES = 65_536;
const CONNECTION_LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** One connection at a time; the HTTP client behind it connects again when it has lost one. */
type Line = {
  readonly origin: string;
  readonly client: Client;
  route: UpstreamRoute;
  /** Those of the request under way. */
  trailers: UpstreamRequest['bodyTrailers'];
  connection: UpstreamConnection | undefined;
  isIdle: boolean;
};

/**
 * Pooled HTTP/1.1 connections. An idle one is taken by any path that has the same settings, and is then that path's.
 */
export function createHttp1Client(dial: Dial, registry: UpstreamRegistry): HttpClient {
  /** By origin, the one that was used last at the end. */
  const idle = new Map<string, Line[]>();
  const lines = new Set<Line>();
  let origins: ReadonlySet<string> | undefined;

  const drop = (line: Line) => {
    lines.delete(line);
    leaveIdle(line);
    // Fails only when it is destroyed already, which is what is wanted.
    void line.client.destroy().catch(() => undefined);
  };

  const leaveIdle = (line: Line) => {
    if (!line.isIdle) return;
    line.isIdle = false;
    const others = idle.get(line.origin);
    // Mostly the last.
    others?.splice(others.lastIndexOf(line), 1);
    if (others?.length === 0) idle.delete(line.origin);
  };

  const takeIdle = (origin: string, { path, settings }: UpstreamRoute): Line | undefined => {
    const isFit = ({ connection }: Line) =>
      connection?.keepalive !== undefined &&
      !connection.socket.destroyed &&
      sameKeepalive(connection.keepalive, settings.tcp);
    const line = idle.get(origin)?.findLast(isFit);
    if (line?.connection === undefined) return undefined;
    leaveIdle(line);
    registry.assign(line.connection, path);
    return line;
  };

  const open = (origin: string, route: UpstreamRoute): Line => {
    const client = new Client(origin, {
      pipelining: 1,
      connect: (_options, callback) => {
        const { backend, path, settings } = line.route;
        dial(backend, { timeoutMs: settings.tcp.connectTimeoutMs }, (error, socket) => {
          if (socket === undefined) return callback(error ?? new Error('no socket'), null);
          putTrailers(socket, () => line.trailers());
          line.connection = registry.add('http1', path, socket);
          line.connection.underWay = line.isIdle ? 0 : 1;
          callback(null, socket);
        });
      },
      // A stream may be silent for as long as its two ends like.
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    const line: Line = { origin, client, route, trailers: () => [], connection: undefined, isIdle: false };
    client.on('disconnect', () => {
      // One that was upgraded is let go of with its socket open.
      if (line.connection?.socket.destroyed !== false) line.connection = undefined;
      if (line.isIdle) drop(line);
    });
    lines.add(line);
    return line;
  };

  const release = (line: Line) => {
    if (line.connection === undefined || line.connection.socket.destroyed) return drop(line);
    if (origins?.has(line.origin) === false) return drop(line);
    line.connection.underWay = 0;
    line.isIdle = true;
    const others = idle.get(line.origin);
    if (others === undefined) idle.set(line.origin, [line]);
    else others.push(line);
  };

  const done = (line: Line, isReusable: boolean) => (isReusable ? release(line) : drop(line));

  return {
    send(route, request, handler, fresh) {
      const origin = originOf(route.backend);
      const pooled = fresh ? undefined : takeIdle(origin, route);
      const line = pooled ?? open(origin, route);
      line.route = route;
      line.trailers = request.bodyTrailers;
      // A client that asked over HTTP/2 has none.
      const needsKey =
        request.upgrade === 'websocket' && headerValue(request.headers, 'sec-websocket-key') === undefined;
      const headers = [...request.headers];
      if (needsKey) headers.push('sec-websocket-key', websocketKey());
      if (line.connection !== undefined) line.connection.underWay = 1;
      try {
        line.client.dispatch(
          {
            method: request.method,
            path: request.target,
            headers,
            body: request.body ?? null,
            headersTimeout: route.headersTimeoutMs,
            upgrade: request.upgrade ?? null,
          },
          new Attempt(handler, line, pooled !== undefined, done),
        );
      } catch (error) {
        drop(line);
        handler.onError(error instanceof Error ? error : new Error(String(error)));
      }
    },
    keepOnly(wanted) {
      origins = wanted;
      for (const line of lines) if (line.isIdle && !wanted.has(line.origin)) drop(line);
    },
    async close() {
      const closing = [...lines].map(({ client }) => client.destroy());
      lines.clear();
      idle.clear();
      await Promise.allSettled(closing);
    },
  };
}

/** What undici tells of one request, in our words. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #handler: UpstreamHandler;
  readonly #line: Line;
  readonly #isPooled: boolean;
  readonly #done: (line: Line, isReusable: boolean) => void;

  /**
   * @param isPooled the connection has carried other requests before
   * @param done called once: whether the answer came to its end, so that the connection can be used again
   */
  constructor(
    handler: UpstreamHandler,
    line: Line,
    isPooled: boolean,
    done: (line: Line, isReusable: boolean) => void,
  ) {
    this.#handler = handler;
    this.#line = line;
    this.#isPooled = isPooled;
    this.#done = done;
  }

  onRequestStart(call: Dispatcher.DispatchController): void {
    this.#handler.onStart(call);
  }

  onResponseStart(call: Dispatcher.DispatchController, status: number): void {
    const headers = rawPairs(call.rawHeaders);
    if (status < 200) this.#handler.onInterim(status, headers);
    else this.#handler.onHead(status, headers, headerValue(headers, 'trailer') === undefined ? 'body' : 'trailers');
  }

  onRequestUpgrade(call: Dispatcher.DispatchController, _status: number, _parsed: unknown, stream: Duplex): void {
    const headers = rawPairs(call.rawHeaders);
    const protocol = (headerValue(headers, 'upgrade') ?? '').toLowerCase();
    if (this.#line.connection !== undefined) this.#line.connection.protocol = upgradedProtocol(protocol);
    this.#done(this.#line, false);
    // Each direction's end is passed on by itself.
    stream.allowHalfOpen = true;
    this.#handler.onUpgrade(protocol, headers, stream);
  }

  onResponseData(call: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#handler.onData(chunk)) call.pause();
  }

  onResponseEnd(call: Dispatcher.DispatchController): void {
    this.#done(this.#line, true);
    this.#handler.onEnd(rawPairs(call.rawTrailers));
  }

  onResponseError(_call: unknown, error: Error): void {
    this.#done(this.#line, false);
    const isLost = this.#isPooled && 'code' in error && CONNECTION_LOST.has(String(error.code));
    this.#handler.onError(error, isLost ? 'stale' : undefined);
  }
}

/** How undici ends a chunked body, in one write of its own. Everything else of a body goes out as a Buffer. */
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** Puts trailers in: undici has none for requests. */
function putTrailers(socket: Socket, trailersOf: () => readonly string[]): void {
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  socket.write = (chunk: unknown, ...rest: readonly unknown[]) => {
    if (chunk !== LAST_CHUNK) return write(chunk, ...rest);
    const trailers = trailersOf();
    let lines = '';
    for (let index = 0; index + 1 < trailers.length; index += 2)
      lines += `${trailers[index]}: ${trailers[index + 1]}\r\n`;
    return write(`\r\n0\r\n${lines}\r\n`, ...rest);
  };
}

function rawPairs(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  const parts = Array.isArray(raw) ? raw : [];
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
