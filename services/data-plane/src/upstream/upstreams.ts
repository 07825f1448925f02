import type { Backend, EffectiveBackend } from '@pulseplane/projection/gateway';
import { asError, type OnFault } from '../connection/fault.ts';
import type { Limits } from '../limits.ts';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import { connectHandle } from '../transport/connect-handle.ts';
import type { HandleSocket } from '../transport/handle-socket.ts';
import { tcpBinding } from '../transport/tcp-binding.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import { connectSocket, createDial, type Dial } from './dial.ts';
import {
  type HttpClient,
  originOf,
  type PoolEvent,
  type UpstreamHandler,
  type UpstreamRequest,
} from './http-client.ts';
import { createHttp1Client } from './http1-client.ts';
import { createHttp2Client } from './http2-client.ts';
import { sendWithRetry } from './retry.ts';
import { createSlots, type Slots } from './slots.ts';
import { createSocketBudget } from './socket-budget.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { createUpstreamRegistry, type UpstreamRegistryContext } from './upstream-registry.ts';

/** A backend as requests of one path see it: a place first, then a connection. */
export type Upstream = {
  readonly slots: Slots;
  readonly settings: EffectiveBackend;
  send(request: UpstreamRequest, handler: UpstreamHandler): void;
};

/** Connections to backends. Each is under the settings of its path, from its beginning and at every change. */
export type Upstreams = {
  /** Undefined when the backend of the path is not configured. */
  of(path: UpstreamPath): Upstream | undefined;
  readonly dial: Dial;
  /** The same without a stream; undefined where this Node shows no handles. */
  readonly dialHandle: Dial<HandleSocket> | undefined;
  /** A raw TCP connection was made for a path. */
  addTcp(path: UpstreamPath, socket: TcpSocket): UpstreamConnection;
  all(): ReadonlySet<UpstreamConnection>;
  judge(connection: UpstreamConnection): void;
  /** Something was thrown for a connection that nobody had foreseen, and ends it. */
  fault(connection: UpstreamConnection, thrown: unknown): void;
  /** Lets go of backends that are no longer configured; their requests finish. */
  prune(backends: Iterable<Backend>): void;
  close(): Promise<void>;
};

export type UpstreamsContext = UpstreamRegistryContext & {
  backend(key: string): Backend | undefined;
  readonly limits: Limits;
  /** From the request being sent to the answer's head, where no policy says how long. */
  readonly headersTimeoutMs?: number;
  onPoolEvent(backendKey: string, event: PoolEvent): void;
  readonly onFault: OnFault;
};

const HEADERS_TIMEOUT_MS = 300_000;

export function createUpstreams(context: UpstreamsContext): Upstreams {
  const { limits, headersTimeoutMs = HEADERS_TIMEOUT_MS } = context;
  const registry = createUpstreamRegistry(context);
  const sockets = createSocketBudget(limits.upstreamSockets);
  const dial = createDial(sockets, connectSocket);
  /** Where the worker itself fails to take a new connection over, that is as if there were none. */
  const guarded: Dial = (address, options, dialled) =>
    dial(address, options, (failure, socket) => {
      try {
        dialled(failure, socket);
      } catch (thrown) {
        const error = asError(thrown);
        context.onFault('upstream', error);
        socket?.destroy();
        dialled(error, undefined);
      }
    });
  const clients: { readonly [Version in EffectiveBackend['http']['version']]: HttpClient } = {
    http1: createHttp1Client(guarded, registry, context.onFault),
    http2: createHttp2Client(guarded, registry, limits, context.onPoolEvent, context.onFault),
  };
  const fault = ({ id, transport }: UpstreamConnection, thrown: unknown) => {
    const error = asError(thrown);
    context.onFault('upstream', error, id);
    transport.destroy(error);
  };
  const slotsByOrigin = new Map<string, Slots>();

  const slotsOf = (origin: string): Slots => {
    let slots = slotsByOrigin.get(origin);
    if (slots === undefined) {
      slots = createSlots({
        places: limits.upstreamRequests,
        waiting: limits.upstreamWaiting,
        waitMs: limits.upstreamWaitMs,
      });
      slotsByOrigin.set(origin, slots);
    }
    return slots;
  };

  return {
    of(path) {
      const backend = context.backend(path.backendKey);
      const settings = context.settings(path);
      if (backend === undefined || settings === undefined) return undefined;
      return {
        slots: slotsOf(originOf(backend)),
        settings,
        send(request, handler) {
          const sendOnce = (fresh: boolean, once: UpstreamHandler) => {
            // A request that waited for its place goes by what holds now; one whose backend is gone by what held.
            const current = context.settings(path) ?? settings;
            const { version, requestTimeoutMs } = current.http;
            const route = {
              path,
              backend: context.backend(path.backendKey) ?? backend,
              settings: current,
              headersTimeoutMs: requestTimeoutMs === undefined ? headersTimeoutMs : 0,
            };
            try {
              clients[version].send(route, request, once, fresh);
            } catch (thrown) {
              const error = asError(thrown);
              context.onFault('upstream', error);
              once.onError(error);
            }
          };
          sendWithRetry(request, handler, sendOnce, () => context.onPoolEvent(path.backendKey, 'retried'));
        },
      };
    },
    dial,
    dialHandle: tcpBinding && createDial(sockets, connectHandle(tcpBinding)),
    addTcp: (path, socket) => registry.add('tcp', path, socket),
    all: () => registry.all(),
    judge(connection) {
      try {
        registry.judge(connection);
      } catch (thrown) {
        fault(connection, thrown);
      }
    },
    fault,
    prune(backends) {
      const wanted = new Set([...backends].map(originOf));
      for (const client of Object.values(clients)) client.keepOnly(wanted);
      for (const [origin, slots] of slotsByOrigin) {
        if (!wanted.has(origin)) slots.whenFree(() => void slotsByOrigin.delete(origin));
      }
    },
    async close() {
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}
