import { status } from '@grpc/grpc-js';
import type { Variant } from '../protocol/message.ts';
import { cut } from '../protocol/nack-text.ts';
import type { ResourceSet } from '../protocol/resources.ts';
import { isDue, stepServer } from '../protocol/server.ts';
import { initialServerState, type ServerLimits, typeOf } from '../protocol/server-state.ts';
import type { ServerInput, ServerOutput } from '../protocol/server-step.ts';
import type { TypeState } from '../protocol/type-state.ts';
import type { BareCall, CallListener } from './bare-call.ts';
import type { NodeIdentity, Received } from './message-conversion.ts';
import type { NodeMemory } from './node-memory.ts';
import type { ResponseEncoder } from './response-encoder.ts';

/** Where the resources come from. What a node may see is decided here, by its role and by what it is. */
export type ResourceSource = {
  /**
   * The resources of a type for a node; empty when its role or the type is unknown. Undefined when they cannot be told now: clients
   * keep what they have, and `watch` calls back when it is worth asking again. Does not throw.
   */
  resources(node: NodeIdentity, typeUrl: string): ResourceSet | undefined;
  /** Calls back when the resources of any type may have changed for the node. Returns the way to stop. */
  watch(node: NodeIdentity, changed: () => void): () => void;
};

/** A stream whose client has said who it is. `id` tells two streams of one node apart. */
export type DiscoveryStream = {
  readonly id: number;
  readonly node: NodeIdentity;
  /** `address:port` of the client's end. */
  readonly peer: string;
  readonly variant: Variant;
  /** The only type of its service; undefined on the aggregated one. */
  readonly only: string | undefined;
  /** What the client subscribes to and holds now, by type. */
  readonly types: () => ReadonlyMap<string, TypeState>;
};

/** Why: the client broke the protocol, went over a limit, did not read what it was sent, or asked for nothing; or the server is closing. */
export type RefusalRule = 'bad-request' | 'limit' | 'unread' | 'silent' | 'closing';

/** What happens on the streams, for logs, metrics and status. */
export type StreamObserver = {
  opened(stream: DiscoveryStream): void;
  /** The client has asked for a type, for the first time on this stream. */
  requested(stream: DiscoveryStream, typeUrl: string): void;
  /** `bytes` is the size of what was sent for a `respond`; `asked`: because the client has asked for more. */
  output(
    stream: DiscoveryStream,
    output: Exclude<ServerOutput, { kind: 'close' }>,
    bytes: number,
    asked: boolean,
  ): void;
  /** The stream is ended by the server, or was not taken; `stream` is absent when the client never said who it is. */
  refused(stream: DiscoveryStream | undefined, rule: RefusalRule, reason: string): void;
  closed(stream: DiscoveryStream): void;
};

/** Several observers as one. */
export function observers(...all: readonly StreamObserver[]): StreamObserver {
  return {
    opened: (stream) => {
      for (const one of all) one.opened(stream);
    },
    requested: (stream, typeUrl) => {
      for (const one of all) one.requested(stream, typeUrl);
    },
    output: (stream, output, bytes, asked) => {
      for (const one of all) one.output(stream, output, bytes, asked);
    },
    refused: (stream, rule, reason) => {
      for (const one of all) one.refused(stream, rule, reason);
    },
    closed: (stream) => {
      for (const one of all) one.closed(stream);
    },
  };
}

export type ServedStream = CallListener<Received> & {
  /** Time has passed. */
  tick(now: number): void;
  /** Ends the stream with UNAVAILABLE, which a client takes as a reason to come again. */
  end(reason: string): void;
};

export type StreamContext = {
  readonly id: number;
  readonly variant: Variant;
  readonly only: string | undefined;
  readonly source: ResourceSource;
  readonly observer: StreamObserver;
  readonly encoder: ResponseEncoder;
  readonly memory: NodeMemory;
  readonly limits: ServerLimits & {
    /** How long a client may leave what it was sent unread. */
    readonly maxUnreadMs: number;
    /** How long a client may take for its first request. */
    readonly maxSilentMs: number;
  };
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Why no stream more of this node is taken; undefined when it is. */
  readonly admit: (node: NodeIdentity) => string | undefined;
  readonly ended: () => void;
  /** Closes the connection, with whatever waits to go out on it. */
  readonly cut: () => void;
};

/** C57: of anything that a node says of itself, because it is kept after its stream, and shown. */
const MAX_NODE_TEXT = 1024;

/** One stream's loop: feeds the machine and sends what it says. */
export function serveStream(call: BareCall, context: StreamContext): ServedStream {
  const { variant, only, source, observer, encoder, memory, limits, now } = context;
  let state = initialServerState(variant, only, limits);
  let stream: DiscoveryStream | undefined;
  let stop: (() => void) | undefined;
  let over = false;
  let unreadSince: number | undefined;
  const openedAt = now();

  const finish = (): void => {
    if (over) return;
    over = true;
    stop?.();
    if (stream !== undefined) {
      memory.closed(stream);
      observer.closed(stream);
    }
    context.ended();
  };
  const end = (code: status, reason: string): void => {
    if (over) return;
    call.end(code, reason);
    finish();
  };
  const refuse = (rule: RefusalRule, reason: string): void => {
    // It may quote what the client wrote. HTTP/2 takes no trailers of any length, percent-encoded as this is there.
    const said = cut(reason).toWellFormed();
    observer.refused(stream, rule, said);
    end(REFUSAL_STATUS[rule], said);
  };
  const feed = (to: DiscoveryStream, input: ServerInput): void => {
    const step = stepServer(state, input);
    state = step.state;
    // An answer lets go out what was held back for it.
    const asked = input.kind === 'request' && step.outputs[0]?.kind === 'respond';
    for (const output of step.outputs) {
      if (output.kind === 'close') refuse(output.rule, output.reason);
      else if (output.kind === 'respond') {
        const bytes = encoder.encode(variant, output.response);
        call.send(bytes);
        observer.output(to, output, bytes.byteLength, asked);
      } else observer.output(to, output, 0, asked);
    }
  };
  const changed = (): void => {
    if (stream === undefined) return;
    const { node } = stream;
    const resources = new Map<string, ResourceSet>();
    for (const { typeUrl } of state.types) {
      const known = source.resources(node, typeUrl);
      if (known !== undefined) resources.set(typeUrl, known);
    }
    feed(stream, { kind: 'view', resources, now: now() });
  };
  const open = (node: NodeIdentity): DiscoveryStream | undefined => {
    const long = Object.entries(node).find(([, said]) => typeof said === 'string' && said.length > MAX_NODE_TEXT);
    const excess = long ? `${long[0]} of the node has more than ${MAX_NODE_TEXT} characters` : context.admit(node);
    if (excess !== undefined) {
      refuse('limit', excess);
      return undefined;
    }
    const types = (): ReadonlyMap<string, TypeState> => new Map(state.types.map((type) => [type.typeUrl, type]));
    stream = { id: context.id, node, peer: call.peer, variant, only, types };
    memory.opened(stream);
    observer.opened(stream);
    stop = source.watch(node, changed);
    return stream;
  };

  const take = ({ request, node: identity }: Received): void => {
    if (over) return;
    // C4: the node does not change on a stream.
    if (stream !== undefined && identity !== undefined && identity.id !== stream.node.id) {
      refuse('bad-request', `node.id changed on the stream from ${stream.node.id} to ${identity.id}`);
      return;
    }
    if (stream === undefined && identity === undefined) {
      refuse('bad-request', 'the first request of a stream must carry node.id'); // C3
      return;
    }
    const from = stream ?? (identity && open(identity));
    if (from === undefined) return;
    const typeUrl = request.typeUrl || only || '';
    const isFirst = typeOf(state, typeUrl) === undefined;
    const unsettled = isFirst ? memory.recall(from, typeUrl) : undefined;
    const resources = source.resources(from.node, typeUrl);
    feed(from, { kind: 'request', request, resources, ...(unsettled !== undefined && { unsettled }), now: now() });
    if (isFirst) observer.requested(from, typeUrl);
  };

  return {
    message: take,
    halfClosed: () => {
      if (over) return;
      finish();
      call.end(status.OK, 'OK');
    },
    closed: finish,
    tick: (at) => {
      if (over) return;
      if (stream === undefined) {
        // C57: what asks for nothing has no name, and counts against its address only.
        if (at - openedAt >= limits.maxSilentMs) {
          refuse('silent', `no first request came within ${limits.maxSilentMs / 1000} s`);
        }
        return;
      }
      if (call.unsent() === 0) {
        unreadSince = undefined;
        if (isDue(state, at)) feed(stream, { kind: 'time', now: at });
        return;
      }
      unreadSince ??= at;
      // C55: who does not read is not kept waiting for, nor sent more.
      if (at - unreadSince < limits.maxUnreadMs) return;
      refuse('unread', `nothing was read for ${limits.maxUnreadMs / 1000} s`);
      // The end of a stream would wait behind what is not read.
      context.cut();
    },
    end: (reason) => end(status.UNAVAILABLE, reason),
  };
}

export const REFUSAL_STATUS: Readonly<Record<RefusalRule, status>> = {
  'bad-request': status.INVALID_ARGUMENT,
  limit: status.RESOURCE_EXHAUSTED,
  unread: status.DEADLINE_EXCEEDED,
  silent: status.DEADLINE_EXCEEDED,
  closing: status.UNAVAILABLE,
};
