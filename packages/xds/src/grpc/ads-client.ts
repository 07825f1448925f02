import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { aggregatedService, type DeltaDiscoveryRequest, type DeltaDiscoveryResponse } from '@pulseplane/wire';
import { type ClientInput, initialDeltaClientState, reconnectDelay, stepDeltaClient } from '../protocol/client.ts';
import type { DiscoveryResponse, Rejection } from '../protocol/message.ts';
import { fromDeltaRequest, type NodeIdentity, toResponse } from './message-conversion.ts';

export type AdsClientOptions = {
  /** host:port of the control plane. */
  readonly address: string;
  readonly node: NodeIdentity;
  readonly typeUrl: string;
  /** What the client has from before: versions by resource name. Only what differs comes. */
  readonly held?: ReadonlyMap<string, string>;
  /** Takes a response in and says which of its resources are bad. The others must be in force when it returns. */
  readonly take: (response: DiscoveryResponse) => readonly Rejection[];
  /** Told of each change; `retryInMs` is when the next try begins. */
  readonly onState: (state: AdsClientState) => void;
  readonly random: () => number;
};

export type AdsClientState =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly reason: string; readonly retryInMs: number };

/** Finds a dead control plane within 15 s. */
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.max_receive_message_length': 200 * 1024 * 1024,
};

/**
 * Keeps one delta stream to the control plane open for ever, and a wildcard subscription to one type on it.
 * Returns the way to stop.
 */
export function runAdsClient(options: AdsClientOptions): () => void {
  const client = new Client(options.address, credentials.createInsecure(), CHANNEL_OPTIONS);
  let state = initialDeltaClientState(options.typeUrl, undefined, options.held);
  let attempt = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let stream: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> | undefined;

  const open = (): void => {
    const { path, requestSerialize, responseDeserialize } = aggregatedService.delta.method;
    const opened = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream = opened;
    const send = (input: ClientInput): void => {
      const step = stepDeltaClient(state, input);
      state = step.state;
      opened.write(fromDeltaRequest(step.request, input.kind === 'connected' ? options.node : undefined));
    };
    let over = false;
    const lost = (reason: string): void => {
      if (over || stopped) return;
      over = true;
      const retryInMs = reconnectDelay(attempt, options.random);
      attempt += 1;
      options.onState({ kind: 'disconnected', reason, retryInMs });
      timer = setTimeout(open, retryInMs);
    };
    let answered = false;
    opened.on('data', (message: DeltaDiscoveryResponse) => {
      // The delay starts anew after a good message only, not after a mere connection.
      attempt = 0;
      if (!answered) {
        answered = true;
        options.onState({ kind: 'connected' });
      }
      const response = toResponse(message);
      send({ kind: 'taken', response, rejections: options.take(response) });
    });
    opened.on('error', (error) => lost(error.message));
    opened.on('end', () => lost('the control plane ended the stream'));
    send({ kind: 'connected' });
  };

  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stream?.cancel();
    client.close();
  };
}
