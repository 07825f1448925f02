import { fromBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '@pulseplane/wire';
import type { DeltaRequest, Variant } from '../protocol/message.ts';
import { type Received, toReceived } from './message-conversion.ts';

/** Takes the bytes of a request of a variant. Throws when they are none. */
export const decodeRequest: Readonly<Record<Variant, (bytes: Buffer) => Received>> = {
  delta: (bytes) => {
    const request = decodeAck(bytes);
    return request === undefined
      ? toReceived(fromBinary(DeltaDiscoveryRequestSchema, bytes))
      : { request, node: undefined };
  },
  sotw: (bytes) => toReceived(fromBinary(DiscoveryRequestSchema, bytes)),
};

/** DeltaDiscoveryRequest's fields 2 and 6, wire type 2. */
const TYPE_URL_TAG = 0x12;
const RESPONSE_NONCE_TAG = 0x32;

const NOTHING: readonly string[] = [];
const NO_VERSIONS: DeltaRequest['initialVersions'] = new Map();

/**
 * The ACK of a delta by hand, which nearly every request is: its type and its nonce, in the order of their numbers, as
 * all encoders write them. Undefined when it is anything else.
 */
function decodeAck(bytes: Buffer): DeltaRequest | undefined {
  const typeEnd = fieldEnd(bytes, 0, TYPE_URL_TAG);
  if (typeEnd === undefined) return undefined;
  if (fieldEnd(bytes, typeEnd, RESPONSE_NONCE_TAG) !== bytes.byteLength) return undefined;
  return {
    variant: 'delta',
    typeUrl: bytes.toString('latin1', 2, typeEnd),
    subscribe: NOTHING,
    unsubscribe: NOTHING,
    initialVersions: NO_VERSIONS,
    nonce: bytes.toString('latin1', typeEnd + 2),
  };
}

/** Where a field ends that begins there, if it is a text of at most 127 characters, all of them ASCII. */
function fieldEnd(bytes: Buffer, start: number, tag: number): number | undefined {
  const length = bytes[start + 1];
  if (bytes[start] !== tag || length === undefined || length > 127) return undefined;
  const end = start + 2 + length;
  for (let at = start + 2; at < end; at += 1) if ((bytes[at] ?? 0x80) > 0x7f) return undefined;
  return end;
}
