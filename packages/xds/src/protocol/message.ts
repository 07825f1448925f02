import type { VersionedResource } from './resources.ts';

/** The part of a DeltaDiscoveryRequest that the protocol acts on. */
export type DeltaRequest = {
  readonly variant: 'delta';
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Empty on a request that answers no response. */
  readonly nonce: string;
  /** Present: the response with this nonce is rejected. */
  readonly error?: string;
};

/** The part of a DiscoveryRequest (state of the world) that the protocol acts on. */
export type SotwRequest = {
  readonly variant: 'sotw';
  readonly typeUrl: string;
  /** The whole subscription. */
  readonly names: readonly string[];
  /** What the client runs; empty for nothing yet. */
  readonly version: string;
  readonly nonce: string;
  readonly error?: string;
};

export type DiscoveryRequest = DeltaRequest | SotwRequest;

/** What a variant of the protocol is called in messages and status. */
export type Variant = DiscoveryRequest['variant'];

/** The part of a response that the protocol acts on. */
export type DiscoveryResponse = {
  readonly typeUrl: string;
  /** Of the whole content: what a state-of-the-world client acknowledges; for people only in a delta. */
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly VersionedResource[];
  /** Cannot be said in state of the world, where absence or nothing says it. */
  readonly removed: readonly string[];
};

/** One resource that a client refused, and why. */
export type Rejection = { readonly name: string; readonly error: string };
