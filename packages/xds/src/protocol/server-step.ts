import type { DiscoveryRequest, DiscoveryResponse, Rejection } from './message.ts';
import type { ResourceSet } from './resources.ts';
import type { ServerState } from './server-state.ts';
import type { Unsettled } from './subscription.ts';

/** `now` is in milliseconds, and never goes back. */
export type ServerInput =
  | {
      readonly kind: 'request';
      readonly request: DiscoveryRequest;
      /** What this client may see of the request's type now; undefined when that cannot be said now. */
      readonly resources: ResourceSet | undefined;
      /** What {@link unsettled} said when the node's last stream of this type ended. */
      readonly unsettled?: Unsettled;
      readonly now: number;
    }
  /** What there is from now on, of all types at one moment. */
  | { readonly kind: 'view'; readonly resources: ReadonlyMap<string, ResourceSet>; readonly now: number }
  /** Time has passed. Wanted several times a second when {@link isDue} says so. */
  | { readonly kind: 'time'; readonly now: number };

export type ServerOutput =
  | { readonly kind: 'respond'; readonly response: DiscoveryResponse }
  | { readonly kind: 'acked'; readonly response: DiscoveryResponse }
  | {
      readonly kind: 'nacked';
      readonly response: DiscoveryResponse;
      /** Bounded. */
      readonly message: string;
      /** Undefined when the client did not say which resources are bad. */
      readonly rejections: readonly Rejection[] | undefined;
    }
  /** The client answered without taking it or refusing it: it watches nothing of the type (C17). */
  | { readonly kind: 'unwatched'; readonly response: DiscoveryResponse }
  /** No answer came in time. */
  | { readonly kind: 'stale'; readonly response: DiscoveryResponse }
  /** The client already runs what there is, by the version that it says: nothing was sent (C22). */
  | { readonly kind: 'current'; readonly typeUrl: string; readonly version: string }
  | { readonly kind: 'close'; readonly rule: 'bad-request' | 'limit'; readonly reason: string };

export type ServerStep = { readonly state: ServerState; readonly outputs: readonly ServerOutput[] };
