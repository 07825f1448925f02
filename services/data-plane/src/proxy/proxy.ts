import type { PingKeepalive } from '@pulseplane/keepalive';
import type {
  EffectiveBackend,
  EffectiveFrontend,
  HttpRoute,
  Listener,
  TcpRoute,
} from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { Connection } from '../connection/connection.ts';
import { asError, type OnFault } from '../connection/fault.ts';
import { detectHttpVersion } from '../first-bytes/http-version.ts';
import { takeClientHello } from '../first-bytes/take-client-hello.ts';
import { takeProxyHeader } from '../first-bytes/take-proxy-header.ts';
import type { Limits } from '../limits.ts';
import type { Tables } from '../tables/tables.ts';
import { type UpstreamPath, upstreamPath } from '../tables/upstream-path.ts';
import { createTlsTerminator } from '../tls/terminate-tls.ts';
import { ConnectTimeoutError } from '../upstream/dial.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import type { AccessLog } from './access-log.ts';
import { type Carry, carryHandle, carrySocket } from './carry.ts';
import { answer, breakOff, type Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { createHttp1Front } from './http1.ts';
import { createHttp2Front } from './http2.ts';
import { listenerForName, pickBackend, routeHttp, routeTcp, routeTls, type TcpRouting } from './route.ts';
import { createSendWatch } from './send-watch.ts';
import { serveTcp, type TcpContext } from './tcp.ts';

export type ProxyContext = {
  readonly logger: Logger;
  readonly pings: PingKeepalive;
  readonly upstreams: Upstreams;
  readonly limits: Limits;
  /** Undefined: requests are not logged. */
  readonly accessLog?: AccessLog | undefined;
  tables(): Tables;
  frontend(port: number): EffectiveFrontend;
  /** Undefined when the backend of the path is not configured. */
  backend(path: UpstreamPath): EffectiveBackend | undefined;
  /** The connection speaks a known protocol from now on. */
  onProtocol(connection: Connection): void;
  /** The connection has left HTTP for another protocol. */
  onUpgraded(connection: Connection): void;
  onPing(): void;
  onPingAck(rttMs: number): void;
  /** Answers over HTTP/2 were called off because the client gave no window for them. */
  onSendTimeouts(count: number): void;
  onUpstreamFailure(backendKey: string): void;
  /** A backend took no connection in time, or did not answer a request within its requestTimeout. */
  onUpstreamTimeout(backendKey: string, kind: 'connect' | 'request'): void;
  /** A request was refused, because too much is under way or waits already. */
  onUpstreamOverflow(backendKey: string): void;
  readonly onFault: OnFault;
  /** For a test that wants a certain backend; 0 to below 1. */
  readonly random?: () => number;
  readonly carry?: Carry | undefined;
};

/** The TLS record of a fatal alert (RFC 8446, section 6; RFC 6066, section 3). */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 3, 1, 0, 2, 2, 112]);

/** Takes connections that are registered already and serves them. */
export type Proxy = { serve(connection: Connection): void; close(): void };

export function createProxy(context: ProxyContext): Proxy {
  const { limits, upstreams, accessLog } = context;
  const tlsTerminator = createTlsTerminator();
  const random = context.random ?? Math.random;

  const choose = (listener: Listener, route: HttpRoute | TcpRoute): UpstreamPath | undefined => {
    const key = pickBackend(route.backends, random());
    return key === undefined ? undefined : upstreamPath(listener, route, key);
  };

  const onExchange = (connection: Connection, exchange: Exchange) => {
    const onFault = (error: Error) => context.onFault('exchange', error, connection.id);
    try {
      route(connection, exchange, onFault);
    } catch (thrown) {
      onFault(asError(thrown));
      breakOff(exchange);
    }
  };

  const route = (connection: Connection, exchange: Exchange, onFault: (error: Error) => void) => {
    const routing = routeHttp(context.tables(), connection.bind, exchange);
    // Another listener's policies and certificate are not those of this connection (RFC 9110, section 15.5.20).
    const isMisdirected = routing.kind === 'no_listener' || routing.listener.key !== connection.listenerKey;
    if (connection.secured !== undefined && isMisdirected) return answer(exchange, 421, 'misdirected request');
    if (routing.kind !== 'no_listener') connection.listenerKey = routing.listener.key;
    if (routing.kind !== 'route') return answer(exchange, 404, 'route not found');
    const path = choose(routing.listener, routing.route);
    const upstream = path && upstreams.of(path);
    if (path === undefined || upstream === undefined) return answer(exchange, 500, 'no backend');
    accessLog?.routed(exchange, path);
    const backend = path.backendKey;
    const preserveCase = context.frontend(connection.bind.port).http.http1HeaderCase === 'preserve';
    const options = { preserveCase, bodyIdleMs: limits.requestBodyIdleMs, onFault };
    forward(exchange, upstream, options, (outcome, error) => {
      // Of a fault it is told already.
      if (outcome === 'done' || outcome === 'client_gone' || outcome === 'fault') return;
      if (outcome === 'overflow') context.onUpstreamOverflow(backend);
      else if (outcome !== 'bad_request' && outcome !== 'body_late') context.onUpstreamFailure(backend);
      if (outcome === 'connect_timeout') context.onUpstreamTimeout(backend, 'connect');
      if (outcome === 'request_timeout') context.onUpstreamTimeout(backend, 'request');
      context.logger.debug({ connection: connection.id, backend, outcome, error: error?.message }, 'a request failed');
    });
  };

  const sends = createSendWatch(limits.sendIdleMs);
  const http1 = createHttp1Front({ limits, sends, accessLog, onExchange, onUpgraded: context.onUpgraded });
  const http2 = createHttp2Front({ ...context, sends, onExchange });

  const serveHttpVersion = (connection: Connection, version: 'http1' | 'http2') => {
    const { http } = context.frontend(connection.bind.port);
    if (version === 'http1') {
      http1.serve(connection, http);
    } else {
      // An HTTP/2 peer that ends its side has ended the session.
      connection.socket.allowHalfOpen = false;
      http2.serve(connection, http);
    }
    context.onProtocol(connection);
  };

  /** The client has said in its handshake what it speaks, or shows it now. */
  const serveHttp = (connection: Connection) => {
    const alpn = connection.secured?.alpnProtocol;
    if (alpn === 'h2') return serveHttpVersion(connection, 'http2');
    if (alpn === 'http/1.1') return serveHttpVersion(connection, 'http1');
    const { http } = context.frontend(connection.bind.port);
    detectHttpVersion(connection, http, limits, (version) => serveHttpVersion(connection, version));
  };

  const tcp: TcpContext = {
    sockets: { dial: upstreams.dial, carry: context.carry ?? carrySocket },
    handles: upstreams.dialHandle && { dial: upstreams.dialHandle, carry: carryHandle },
    onConnected(path, socket) {
      upstreams.addTcp(path, socket).underWay = 1;
    },
    onError({ id }, { backendKey }, error) {
      context.onUpstreamFailure(backendKey);
      if (error instanceof ConnectTimeoutError) context.onUpstreamTimeout(backendKey, 'connect');
      context.logger.debug({ connection: id, backend: backendKey, error: error.message }, 'upstream failed');
    },
  };

  const serveRaw = (connection: Connection, protocol: 'tcp' | 'tls', { listener, route }: TcpRouting) => {
    if (listener !== undefined) connection.listenerKey = listener.key;
    const path = listener && route && choose(listener, route);
    const backend = path && context.tables().backends.get(path.backendKey);
    const settings = path && context.backend(path);
    if (path === undefined || backend === undefined || settings === undefined) return connection.close('no_route');
    const { connectTimeoutMs } = settings.tcp;
    serveTcp(connection, { protocol, path, backend, connectTimeoutMs }, tcp);
    context.onProtocol(connection);
  };

  const serveTls = (connection: Connection) => {
    const { tls } = context.frontend(connection.bind.port);
    takeClientHello(connection, Math.min(limits.clientHelloMs, tls.handshakeTimeoutMs), ({ serverName = '' }) => {
      connection.serverName = serverName === '' ? undefined : serverName;
      const listener = listenerForName(context.tables(), connection.bind, serverName);
      const routing = () => routeTls(context.tables(), listener, serverName);
      if (listener?.tls === undefined) {
        if (routing().route === undefined) {
          connection.explain('unknown_server_name');
          connection.socket.write(UNRECOGNIZED_NAME);
          return connection.socket.destroySoon();
        }
        return serveRaw(connection, 'tls', routing());
      }
      connection.listenerKey = listener.key;
      tlsTerminator.terminate(connection, { ...listener, tls: listener.tls }, tls, () => {
        if (listener.protocol === 'https') serveHttp(connection);
        else serveRaw(connection, 'tcp', routing());
      });
    });
  };

  /** What the port speaks, when a proxy in front has had its say. */
  const servePort = (connection: Connection) => {
    const { protocol } = connection.bind;
    switch (protocol) {
      case 'http':
        return serveHttp(connection);
      case 'tcp':
        return serveRaw(connection, 'tcp', routeTcp(context.tables(), connection.bind));
      case 'tls':
        return serveTls(connection);
      default:
        return protocol satisfies never;
    }
  };

  return {
    serve(connection) {
      const { proxyProtocol } = context.frontend(connection.bind.port);
      if (proxyProtocol === undefined) return servePort(connection);
      const { policyKey } = proxyProtocol;
      connection.policyKeys.proxyProtocol = policyKey;
      connection.policyVersions.proxyProtocol = context.tables().versions.get(`policy/${policyKey}`);
      takeProxyHeader(connection, proxyProtocol, limits.proxyHeaderMs, () => servePort(connection));
    },
    close: () => http1.close(),
  };
}
