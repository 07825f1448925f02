import { isIPv6 } from 'node:net';
import {
  type handleBidiStreamingCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { adsService, type DeltaDiscoveryRequest, type DeltaDiscoveryResponse } from '@pulseplane/wire';
import type { ResourceSet } from '../delta/message.ts';
import { INITIAL_SERVER_STATE, type ServerInput, type ServerOutput, stepServer } from '../delta/server.ts';
import { fromResponse, type NodeIdentity, nodeIdentity, toRequest } from './message-conversion.ts';

/** Where the resources come from. What a node may see is decided here, by its role. */
export type ResourceSource = {
  /**
   * The resources of a type for a role; empty when either is unknown. Undefined when they cannot be told now: clients
   * keep what they have, and `watch` calls back when it is worth asking again. Does not throw.
   */
  resources(role: string, typeUrl: string): ResourceSet | undefined;
  /** Calls back when the resources of a type may have changed for the role. Returns the way to stop. */
  watch(role: string, changed: (typeUrl: string) => void): () => void;
};

/** What happens on the streams, for logs and status. `stream` tells two streams of one node apart. */
export type StreamObserver = {
  opened(stream: number, node: NodeIdentity, peer: string): void;
  output(stream: number, node: NodeIdentity, output: Exclude<ServerOutput, { kind: 'close' }>): void;
  /** The client broke a rule or a limit; `node` is absent when it never said who it is. */
  refused(stream: number, node: NodeIdentity | undefined, reason: string): void;
  closed(stream: number, node: NodeIdentity): void;
};

export type AdsServerOptions = {
  readonly source: ResourceSource;
  readonly observer: StreamObserver;
  /** What else workers are served on this port. */
  readonly services?: readonly {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  }[];
  /** Named in each response, so that an operator sees who answered. */
  readonly identifier: string;
};

export type AdsServer = {
  /** Listens and gives the bound port. Rejects when the address is in use. */
  listen(host: string, port: number): Promise<number>;
  /** Ends all streams and stops listening. */
  close(): Promise<void>;
};

/** One worker has one; a replica is meant for thousands (C57). */
const MAX_STREAMS = 10_000;

/** Finds a dead client within 15 s: the server's own PINGs (C62). */
const SERVER_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
};

/** A gRPC server of the aggregated discovery service, delta variant. */
export function createAdsServer(options: AdsServerOptions): AdsServer {
  const server = new Server(SERVER_OPTIONS);
  let streams = 0;
  let open = 0;
  const handler: handleBidiStreamingCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = (call) => {
    streams += 1;
    open += 1;
    call.once('close', () => {
      open -= 1;
    });
    if (open <= MAX_STREAMS) serve(call, streams, options);
    else call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `${MAX_STREAMS} streams are open already` });
  };
  server.addService(adsService, { deltaAggregatedResources: handler } satisfies UntypedServiceImplementation);
  for (const { definition, implementation } of options.services ?? []) server.addService(definition, implementation);
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.bindAsync(
          `${isIPv6(host) ? `[${host}]` : host}:${port}`,
          ServerCredentials.createInsecure(),
          (error, bound) => (error === null ? resolve(bound) : reject(error)),
        );
      }),
    close: async () => server.forceShutdown(),
  };
}

type Call = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

/** One stream's loop: feeds the machine and sends what it says. */
function serve(call: Call, stream: number, { source, observer, identifier }: AdsServerOptions): void {
  let state = INITIAL_SERVER_STATE;
  let node: NodeIdentity | undefined;
  let stop: (() => void) | undefined;
  let over = false;

  const finish = (): void => {
    if (over) return;
    over = true;
    stop?.();
    if (node !== undefined) observer.closed(stream, node);
  };
  const refuse = (code: status, reason: string): void => {
    observer.refused(stream, node, reason);
    call.emit('error', { code, details: reason });
    finish();
  };
  const feed = (from: NodeIdentity, input: ServerInput): void => {
    const step = stepServer(state, input);
    state = step.state;
    for (const output of step.outputs) {
      if (output.kind === 'close') refuse(CLOSE_STATUS[output.rule], output.reason);
      else observer.output(stream, from, output);
      if (output.kind === 'respond') call.write(fromResponse(output.response, identifier));
    }
  };
  const open = (identity: NodeIdentity): NodeIdentity => {
    node = identity;
    observer.opened(stream, identity, call.getPeer());
    stop = source.watch(identity.role, (typeUrl) => {
      const resources = source.resources(identity.role, typeUrl);
      if (resources !== undefined) feed(identity, { kind: 'resources', typeUrl, resources });
    });
    return identity;
  };

  call.on('data', (message: DeltaDiscoveryRequest) => {
    if (over) return;
    const identity = nodeIdentity(message);
    // C4: the node does not change on a stream.
    if (node !== undefined && identity !== undefined && identity.id !== node.id) {
      refuse(status.INVALID_ARGUMENT, `node.id changed on the stream from ${node.id} to ${identity.id}`);
      return;
    }
    const from = node ?? (identity && open(identity));
    if (from === undefined) {
      refuse(status.INVALID_ARGUMENT, 'the first request of a stream must carry node.id'); // C3
      return;
    }
    const request = toRequest(message);
    feed(from, { kind: 'request', request, resources: source.resources(from.role, request.typeUrl) });
  });
  call.on('error', finish);
  call.on('cancelled', finish);
  call.on('end', () => {
    finish();
    call.end();
  });
}

const CLOSE_STATUS = { 'bad-request': status.INVALID_ARGUMENT, limit: status.RESOURCE_EXHAUSTED } as const;
