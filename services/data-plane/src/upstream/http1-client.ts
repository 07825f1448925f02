import type { Socket } from 'node:net';
import { upgradedProtocol } from '../connection/connection.ts';
import type { OnFault } from '../connection/fault.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Dial } from './dial.ts';
import {
  type HttpClient,
  originOf,
  type UpstreamHandler,
  type UpstreamRequest,
  type UpstreamRoute,
} from './http-client.ts';
import { Http1Connection } from './http1-connection.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { sameKeepalive, type UpstreamRegistry } from './upstream-registry.ts';
import { websocketKey } from './websocket-key.ts';

const SCHEME = 'http://';

/** An open connection in the pool. */
type Line = {
  readonly origin: string;
  readonly http: Http1Connection;
  readonly connection: UpstreamConnection;
  isIdle: boolean;
};

/** A request for a connection that has carried others. */
type Reuse = {
  readonly line: Line;
  readonly route: UpstreamRoute;
  readonly request: UpstreamRequest;
  readonly handler: UpstreamHandler;
};

/**
 * Pooled HTTP/1.1 connections. An idle one is taken by any path that has the same settings, and is then that path's.
 */
export function createHttp1Client(dial: Dial, registry: UpstreamRegistry, onFault: OnFault): HttpClient {
  /** By origin, the one that was used last at the end. */
  const idle = new Map<string, Line[]>();
  const lines = new Set<Line>();
  const connecting = new Set<Socket>();
  let origins: ReadonlySet<string> | undefined;
  let reuses: Reuse[] = [];

  const leaveIdle = (line: Line) => {
    if (!line.isIdle) return;
    line.isIdle = false;
    const others = idle.get(line.origin);
    // Mostly the last.
    others?.splice(others.lastIndexOf(line), 1);
    if (others?.length === 0) idle.delete(line.origin);
  };

  const takeIdle = (origin: string, { path, settings }: UpstreamRoute): Line | undefined => {
    const isFit = ({ connection: { keepalive, transport } }: Line) =>
      keepalive !== undefined && !transport.destroyed && sameKeepalive(keepalive, settings.tcp);
    const line = idle.get(origin)?.findLast(isFit);
    if (line === undefined) return undefined;
    leaveIdle(line);
    line.connection.underWay = 1;
    registry.assign(line.connection, path);
    return line;
  };

  const release = (line: Line) => {
    line.connection.underWay = 0;
    if (origins?.has(line.origin) === false) return line.http.destroy();
    line.isIdle = true;
    const others = idle.get(line.origin);
    if (others === undefined) idle.set(line.origin, [line]);
    else others.push(line);
  };

  const open = (origin: string, route: UpstreamRoute, request: UpstreamRequest, handler: UpstreamHandler) => {
    const { backend, path, settings } = route;
    const dialled = dial(backend, { timeoutMs: settings.tcp.connectTimeoutMs }, (error, socket) => {
      if (dialled !== undefined) connecting.delete(dialled);
      if (socket === undefined) return handler.onError(error ?? new Error('no socket'));
      const connection = registry.add('http1', path, socket);
      connection.underWay = 1;
      const http = new Http1Connection(socket, origin.slice(SCHEME.length), {
        onIdle: () => release(line),
        onUpgraded(protocol) {
          connection.protocol = upgradedProtocol(protocol);
        },
        onGone() {
          lines.delete(line);
          leaveIdle(line);
        },
        onFault: (error) => onFault('upstream', error, connection.id),
      });
      const line: Line = { origin, http, connection, isIdle: false };
      lines.add(line);
      http.send(request, route.headersTimeoutMs, handler);
    });
    if (dialled !== undefined) connecting.add(dialled);
  };

  const sendReuses = () => {
    const now = reuses;
    reuses = [];
    for (const { line, route, request, handler } of now) line.http.send(request, route.headersTimeoutMs, handler);
  };

  return {
    send(route, request, handler, fresh) {
      const origin = originOf(route.backend);
      const full = withKey(request);
      const line = fresh ? undefined : takeIdle(origin, route);
      if (line === undefined) return open(origin, route, full, handler);
      // When all that has come by now is read: a backend that has ended the connection, or says more than it was asked,
      // is noticed before the request goes out.
      if (reuses.length === 0) setImmediate(sendReuses);
      reuses.push({ line, route, request: full, handler });
    },
    keepOnly(wanted) {
      origins = wanted;
      for (const line of lines) if (line.isIdle && !wanted.has(line.origin)) line.http.destroy();
    },
    async close() {
      for (const socket of connecting) socket.destroy(new Error('the worker ends'));
      for (const { http } of lines) http.destroy();
    },
  };
}

/** A client that asked for a websocket over HTTP/2 has sent no key. */
function withKey(request: UpstreamRequest): UpstreamRequest {
  if (request.upgrade !== 'websocket' || headerValue(request.headers, 'sec-websocket-key') !== undefined)
    return request;
  return { ...request, headers: [...request.headers, 'sec-websocket-key', websocketKey()] };
}
