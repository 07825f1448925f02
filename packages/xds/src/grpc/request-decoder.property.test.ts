import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryRequestSchema } from '@pulseplane/wire';
import fc from 'fast-check';
import { toReceived } from './message-conversion.ts';
import { decodeRequest } from './request-decoder.ts';

const text = fc.oneof(
  fc.constantFrom('', '1', '42', 'type.googleapis.com/agentgateway.dev.resource.Resource'),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 130 }),
);

/** Mostly ACKs, at times with something more. */
const request = fc.record({
  typeUrl: text,
  responseNonce: text,
  resourceNamesSubscribe: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.array(text, { maxLength: 2 })),
  errorDetail: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.record({ message: text })),
});

test('what is decoded by hand is what the generated decoder makes of it', () => {
  fc.assert(
    fc.property(request, fc.option(fc.tuple(fc.nat(400), fc.nat(255))), (fields, change) => {
      const { errorDetail, ...rest } = fields;
      const message = create(DeltaDiscoveryRequestSchema, {
        ...rest,
        resourceNamesSubscribe: [...rest.resourceNamesSubscribe],
        ...(errorDetail && { errorDetail }),
      });
      const bytes = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message));
      if (change !== null && change[0] < bytes.byteLength) bytes[change[0]] = change[1];
      assert.deepEqual(outcome(decodeRequest.delta, bytes), outcome(generated, bytes));
    }),
    { numRuns: 5_000 },
  );
});

function generated(bytes: Buffer) {
  return toReceived(fromBinary(DeltaDiscoveryRequestSchema, bytes));
}

function outcome(decode: (bytes: Buffer) => unknown, bytes: Buffer): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    return String(error);
  }
}
