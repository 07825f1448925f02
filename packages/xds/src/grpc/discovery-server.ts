import { createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { discoveryServices } from '@pulseplane/wire';
import type { Variant } from '../protocol/message.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../protocol/server-state.ts';
import { type BareCall, type CallListener, takeCalls } from './bare-call.ts';
import {
  REFUSAL_STATUS,
  type ResourceSource,
  type ServedStream,
  type StreamObserver,
  serveStream,
} from './discovery-stream.ts';
import type { Received } from './message-conversion.ts';
import { addressOf, NodeMemory } from './node-memory.ts';
import { decodeRequest } from './request-decoder.ts';
import { ResponseEncoder } from './response-encoder.ts';

export type DiscoveryServerOptions = {
  readonly source: ResourceSource;
  readonly observer: StreamObserver;
  /** What else clients are served on this port. */
  readonly services?: readonly {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  }[];
  /** Named in each response, so that an operator sees who answered (C59). */
  readonly identifier: string;
  /** After it, give or take a tenth, a connection is asked to go, so that replicas share them; else it stays. */
  readonly maxConnectionAgeMs?: number;
  readonly limits?: Partial<StreamLimits & ServerLimits>;
};

export type DiscoveryServer = {
  /** Listens and gives the bound port. Rejects when the address is in use. */
  listen(host: string, port: number): Promise<number>;
  /** Ends all streams, spread over some time so that not all clients come again at once (C58), and stops listening. */
  close(): Promise<void>;
};

/** C57. */
export type StreamLimits = {
  /** One worker has one; a replica is meant for thousands. */
  readonly maxStreams: number;
  /** One for each type, twice while a client reconnects. */
  readonly maxStreamsPerNode: number;
  /** Of one address. */
  readonly maxStreamsPerPeer: number;
  /** The server's own PINGs find a dead client within both together (C62). */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** A client that leaves what it was sent unread for so long is cut off, with its connection (C55). */
  readonly maxUnreadMs: number;
  /** A stream without a first request is ended after it (C57). */
  readonly maxSilentMs: number;
};

const STREAM_LIMITS: StreamLimits = {
  maxStreams: 10_000,
  maxStreamsPerNode: 64,
  maxStreamsPerPeer: 5_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 5_000,
  maxUnreadMs: 60_000,
  maxSilentMs: 30_000,
};

const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** How exactly waiting times are kept. */
const TICK_MS = 250;

/** How long streams of an old connection may go on after it was asked to go. */
const CONNECTION_GRACE_MS = 30_000;

/** Closing takes as long as there are streams, up to so much. */
const SPREAD_MS_PER_STREAM = 5;
const MAX_SPREAD_MS = 5_000;

/** How long connections have to close by themselves afterwards. */
const GOODBYE_MS = 200;

/** A gRPC server of all discovery services, aggregated and per type, both variants. */
export function createDiscoveryServer(options: DiscoveryServerOptions): DiscoveryServer {
  const { source, observer, identifier, maxConnectionAgeMs, services } = options;
  const limits = { ...DEFAULT_LIMITS, ...STREAM_LIMITS, ...options.limits };
  const methods = new Map<string, (call: BareCall) => CallListener<Received>>();
  const server = new Server({
    interceptors: [takeCalls(methods)],
    // Statistics of single messages that nobody reads.
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': limits.pingIntervalMs,
    'grpc.keepalive_timeout_ms': limits.pingTimeoutMs,
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    ...(maxConnectionAgeMs !== undefined && {
      'grpc.max_connection_age_ms': maxConnectionAgeMs,
      'grpc.max_connection_age_grace_ms': CONNECTION_GRACE_MS,
    }),
  });
  const encoder = new ResponseEncoder(identifier);
  const memory = new NodeMemory();
  const streams = new Set<ServedStream>();
  /** By `address:port` of their other ends. */
  const sockets = new Map<string, Socket>();
  const perNode = new Counts();
  const perPeer = new Counts();
  let count = 0;
  let open = 0;
  let closing = false;

  const handler =
    (variant: Variant, only: string | undefined) =>
    (call: BareCall): CallListener<Received> => {
      const peer = addressOf(call.peer);
      count += 1;
      open += 1;
      perPeer.add(peer, 1);
      const closed = (): void => {
        open -= 1;
        perPeer.add(peer, -1);
      };
      const excess = closing
        ? 'the control plane is going down'
        : open > limits.maxStreams
          ? `${limits.maxStreams} streams are open already`
          : perPeer.of(peer) > limits.maxStreamsPerPeer
            ? `${limits.maxStreamsPerPeer} streams are open already from ${peer}`
            : undefined;
      if (excess !== undefined) {
        const rule = closing ? 'closing' : 'limit';
        observer.refused(undefined, rule, excess);
        call.end(REFUSAL_STATUS[rule], excess);
        return { message: () => undefined, halfClosed: () => undefined, closed };
      }
      let node: string | undefined;
      const served = serveStream(call, {
        id: count,
        variant,
        only,
        source,
        observer,
        encoder,
        memory,
        limits,
        // In whole ones, so that what thousands of streams are sent within one of them is the same object.
        now: () => Math.floor(performance.now()),
        admit: ({ id }) => {
          if (perNode.of(id) >= limits.maxStreamsPerNode) {
            return `${limits.maxStreamsPerNode} streams of node ${id} are open already`;
          }
          node = id;
          perNode.add(id, 1);
          return undefined;
        },
        ended: () => {
          streams.delete(served);
          if (node !== undefined) perNode.add(node, -1);
        },
        cut: () => sockets.get(call.peer)?.destroy(),
      });
      streams.add(served);
      return {
        message: served.message,
        halfClosed: served.halfClosed,
        closed: () => {
          closed();
          served.closed();
        },
      };
    };

  for (const { only, sotw, delta } of discoveryServices) {
    const offered = [
      ...(sotw === undefined ? [] : [{ ...sotw, variant: 'sotw' as const }]),
      { ...delta, variant: 'delta' as const },
    ];
    for (const { method, variant } of offered) methods.set(method.path, handler(variant, only));
    server.addService(
      Object.fromEntries(
        offered.map(({ name, method, variant }) => [
          name,
          { ...method, requestDeserialize: decodeRequest[variant], responseSerialize: asIs },
        ]),
      ),
      Object.fromEntries(offered.map(({ name }) => [name, taken])),
    );
  }
  for (const { definition, implementation } of services ?? []) server.addService(definition, implementation);

  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.set(peer, socket);
    socket.once('close', () => sockets.delete(peer));
    injectConnection(socket);
  });
  const ticking = setInterval(() => {
    const now = Math.floor(performance.now());
    for (const stream of streams) stream.tick(now);
  }, TICK_MS).unref();

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        listener.once('error', reject);
        listener.listen({ host, port }, () => {
          const address = listener.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      }),
    close: async () => {
      closing = true;
      listener.close();
      const spread = Math.min(MAX_SPREAD_MS, streams.size * SPREAD_MS_PER_STREAM);
      await Promise.all(
        [...streams].map(async (stream) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * spread));
          stream.end('the control plane is going down');
        }),
      );
      clearInterval(ticking);
      // What was just ended is told before connections are cut.
      await Promise.race([
        new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
        new Promise((resolve) => setTimeout(resolve, GOODBYE_MS)),
      ]);
      server.forceShutdown();
    },
  };
}

/** The handler of calls that never come to it. */
function taken(): void {}

/** Responses come encoded. */
function asIs(bytes: Buffer): Buffer {
  return bytes;
}

/** How many there are of each. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, change: number): void {
    const next = this.of(key) + change;
    if (next > 0) this.#counts.set(key, next);
    else this.#counts.delete(key);
  }
}
