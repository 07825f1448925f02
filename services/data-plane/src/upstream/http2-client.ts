import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import { asError, type OnFault } from '../connection/fault.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import type { Limits } from '../limits.ts';
import { createCalm } from './calm.ts';
import { ConnectTimeoutError, type Dial } from './dial.ts';
import { type HttpClient, originOf, type PoolEvent, type UpstreamRoute } from './http-client.ts';
import { exchange, type ProvenSession } from './http2-exchange.ts';
import { endIfStuck, noteOver } from './stuck-session.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamRegistry } from './upstream-registry.ts';

/** As agentgateway's pool (lib.rs). */
const IDLE_MS = 90_000;
/** Those of the downstream side. Bytes. */
const WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 1_048_576;

type Ready = ProvenSession & {
  readonly connection: UpstreamConnection;
  /** `performance.now()` when it last had an answer or a PING's ACK. */
  heardAt: number;
  /** Looked at for as long as it carries requests. */
  isWatched: boolean;
  /** Of those that it carries, while others waited for a place at the backend. */
  givenUp: number;
};

/** The session of one path: on its way, or ready. */
type Line = {
  readonly origin: string;
  ready: Ready | undefined;
  wasReady: boolean;
  readonly waiting: Set<(outcome: Ready | Error) => void>;
  cancelIdle: () => void;
};

/**
 * One HTTP/2 session (prior knowledge) for each path. Paths share none, because what holds on a connection must be what
 * holds for everything on it.
 */
export function createHttp2Client(
  dial: Dial,
  registry: UpstreamRegistry,
  { upstreamQuietMs, upstreamPingTimeoutMs }: Limits,
  onPoolEvent: (backendKey: string, event: PoolEvent) => void,
  onFault: OnFault,
): HttpClient {
  /** By the key of the path; those that take no new requests are not in it. */
  const lines = new Map<string, Line>();
  const sessions = new Set<ClientHttp2Session>();
  const calm = createCalm(upstreamQuietMs, (backendKey) => onPoolEvent(backendKey, 'too_many_pings'));

  const open = ({ path, backend, settings }: UpstreamRoute): Line => {
    const line: Line = {
      origin: originOf(backend),
      ready: undefined,
      wasReady: false,
      waiting: new Set(),
      cancelIdle: () => undefined,
    };
    lines.set(path.key, line);
    const settle = (outcome: Ready | Error) => {
      if (outcome instanceof Error) retire();
      for (const told of line.waiting) told(outcome);
      line.waiting.clear();
    };
    const retire = () => {
      line.cancelIdle();
      if (lines.get(path.key) === line) lines.delete(path.key);
    };
    const { connectTimeoutMs } = settings.tcp;
    const startedAt = performance.now();
    dial(backend, { timeoutMs: connectTimeoutMs }, (error, socket) => {
      if (socket === undefined) return settle(error ?? new Error('no socket'));
      const session = openSession(line.origin, socket);
      const connection = registry.add('http2', path, socket);
      sessions.add(session);
      // The peer's first frame belongs to connecting: without it nobody speaks HTTP/2 there.
      const late = new ConnectTimeoutError(backend, connectTimeoutMs);
      const left = connectTimeoutMs - (performance.now() - startedAt);
      const cancel = longTimeout(left, () => session.destroy(late));
      session.once('remoteSettings', () => {
        cancel();
        line.ready = {
          session,
          connection,
          isProven: false,
          heardAt: performance.now(),
          isWatched: false,
          givenUp: 0,
          fault(thrown) {
            const error = asError(thrown);
            onFault('upstream', error, connection.id);
            session.destroy(error);
          },
        };
        line.wasReady = true;
        settle(line.ready);
      });
      session.on('error', settle);
      session.once('goaway', retire);
      session.once('goaway', (code: number) => {
        if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) calm.complained(line.origin, path.backendKey);
      });
      session.once('close', () => {
        cancel();
        sessions.delete(session);
        socket.destroy();
        settle(new Error('the upstream closed the connection'));
      });
    });
    return line;
  };

  const whenReady = (line: Line, told: (outcome: Ready | Error) => void) => {
    if (line.ready === undefined) line.waiting.add(told);
    else told(line.ready);
  };

  const find = (route: UpstreamRoute): Line => {
    const line = lines.get(route.path.key);
    const isUsable = line?.origin === originOf(route.backend) && line.ready?.session.closed !== true;
    if (line === undefined || !isUsable) return open(route);
    if (line.ready?.connection.underWay === 0 && performance.now() - line.ready.heardAt >= calm.quietMs(line.origin)) {
      check(line, line.ready, route);
    }
    return line;
  };

  /**
   * A session that nothing was heard of for a while has to answer before it gets a request.
   *
   * @param onUnused called when it has answered and there is none
   */
  const check = (line: Line, ready: Ready, { path }: UpstreamRoute, onUnused?: () => void) => {
    const { session } = ready;
    line.cancelIdle();
    if (session.destroyed) return;
    line.ready = undefined;
    const evict = () => {
      if (line.ready !== undefined || session.destroyed) return;
      onPoolEvent(path.backendKey, 'evicted');
      session.destroy(new Error('the connection did not answer a PING'));
    };
    const cancel = longTimeout(upstreamPingTimeoutMs, evict);
    const isSent = session.ping((error, rttMs) => {
      cancel();
      if (error !== null || session.closed) return evict();
      ready.heardAt = performance.now();
      ready.connection.lastPingRttMs = rttMs;
      line.ready = ready;
      for (const told of line.waiting) told(ready);
      line.waiting.clear();
      if (ready.connection.underWay === 0) onUnused?.();
    });
    if (!isSent) evict();
  };

  /** Nobody uses the session: it is asked once whether it is still there, and closed when nobody comes. */
  const rest = (line: Line, ready: Ready, route: UpstreamRoute) => {
    const closeAt = performance.now() + IDLE_MS;
    const close = () => ready.session.close();
    // More than once between two requests, gRPC servers take as an attack.
    const cancelCheck = longTimeout(calm.quietMs(line.origin), () =>
      check(line, ready, route, () => {
        if (lines.get(route.path.key) === line) line.cancelIdle = longTimeout(closeAt - performance.now(), close);
        else close();
      }),
    );
    const cancelClose = longTimeout(IDLE_MS, close);
    line.cancelIdle = () => {
      cancelCheck();
      cancelClose();
    };
  };

  const watch = (ready: Ready) => {
    if (ready.isWatched) return;
    ready.isWatched = true;
    endIfStuck(ready, () => {
      ready.isWatched = false;
    });
  };

  return {
    send(route, request, handler) {
      const line = find(route);
      whenReady(line, (outcome) => {
        if (outcome instanceof Error) {
          return handler.onError(outcome, line.wasReady ? 'unsent' : undefined);
        }
        const { session, connection } = outcome;
        line.cancelIdle();
        connection.underWay += 1;
        watch(outcome);
        const done = () => {
          noteOver(outcome);
          connection.underWay -= 1;
          if (connection.underWay > 0) return;
          outcome.heardAt = performance.now();
          // Another one has taken its place.
          if (lines.get(route.path.key) !== line) session.close();
          else rest(line, outcome, route);
        };
        try {
          exchange(outcome, request, route.headersTimeoutMs, handler, done);
        } catch (thrown) {
          outcome.fault(thrown);
        }
      });
    },
    keepOnly(origins) {
      for (const [key, { origin, ready }] of lines) {
        if (origins.has(origin)) continue;
        lines.delete(key);
        ready?.session.close();
      }
    },
    async close() {
      lines.clear();
      for (const session of sessions) session.destroy();
    },
  };
}

function openSession(origin: string, socket: Socket): ClientHttp2Session {
  const session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
  });
  session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
  return session;
}
