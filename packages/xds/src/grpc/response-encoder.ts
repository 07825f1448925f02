import { create, toBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '@pulseplane/wire';
import type { DiscoveryResponse, Variant } from '../protocol/message.ts';
import type { VersionedResource } from '../protocol/resources.ts';

type Encoded = {
  readonly response: DiscoveryResponse;
  readonly bytes: Uint8Array;
  /** What was sent last: streams that have come equally far have equal nonces. */
  last: { readonly nonce: string; readonly message: Buffer };
};

/** Field 5 of both responses, wire type 2. Fields may come in any order, so it can be put last. */
const NONCE_TAG = 0x2a;

/**
 * Encodes a change once: all streams that are sent the same, which the machine tells by the same arrays, share the
 * bytes, and each has its nonce put behind them.
 */
export class ResponseEncoder {
  readonly #identifier: string;
  readonly #delta = new WeakMap<readonly VersionedResource[], Encoded>();
  readonly #sotw = new WeakMap<readonly VersionedResource[], Encoded>();

  /** `identifier` names this control plane in each response (C59). */
  constructor(identifier: string) {
    this.#identifier = identifier;
  }

  encode(variant: Variant, response: DiscoveryResponse): Buffer {
    const known = variant === 'delta' ? this.#delta : this.#sotw;
    let encoded = known.get(response.resources);
    if (encoded === undefined || !isSame(variant, encoded.response, response)) {
      const bytes = variant === 'delta' ? this.#encodeDelta(response) : this.#encodeSotw(response);
      encoded = { response, bytes, last: withNonce(bytes, response.nonce) };
      known.set(response.resources, encoded);
    } else if (encoded.last.nonce !== response.nonce) encoded.last = withNonce(encoded.bytes, response.nonce);
    return encoded.last.message;
  }

  #encodeDelta({ typeUrl, version, resources, removed }: DiscoveryResponse): Uint8Array {
    const message = create(DeltaDiscoveryResponseSchema, {
      typeUrl,
      systemVersionInfo: version,
      resources: resources.map(({ name, version: own, body }) => ({
        name,
        version: own,
        resource: { typeUrl, value: body },
      })),
      removedResources: [...removed],
      controlPlane: { identifier: this.#identifier },
    });
    return toBinary(DeltaDiscoveryResponseSchema, message);
  }

  #encodeSotw({ typeUrl, version, resources }: DiscoveryResponse): Uint8Array {
    const message = create(DiscoveryResponseSchema, {
      typeUrl,
      versionInfo: version,
      resources: resources.map(({ body }) => ({ typeUrl, value: body })),
      controlPlane: { identifier: this.#identifier },
    });
    return toBinary(DiscoveryResponseSchema, message);
  }
}

function withNonce(bytes: Uint8Array, nonce: string): Encoded['last'] {
  const encoded = Buffer.from(nonce);
  return { nonce, message: Buffer.concat([bytes, Buffer.of(NONCE_TAG, encoded.byteLength), encoded]) };
}

function isSame(variant: Variant, one: DiscoveryResponse, other: DiscoveryResponse): boolean {
  const same = one.typeUrl === other.typeUrl && one.version === other.version;
  return same && (variant === 'sotw' || one.removed === other.removed);
}
