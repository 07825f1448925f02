import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '@pulseplane/wire';
import type { Variant } from '../protocol/message.ts';
import { CLUSTER_TYPE_URL } from '../protocol/resource-types.ts';
import type { ResourceSet, VersionedResource } from '../protocol/resources.ts';
import { stepServer } from '../protocol/server.ts';
import { initialServerState, type ServerState } from '../protocol/server-state.ts';
import type { ServerInput } from '../protocol/server-step.ts';
import { ResponseEncoder } from './response-encoder.ts';

/** Resources that count how often their bodies are looked at. */
function counted(versions: Readonly<Record<string, string>>) {
  const counts = { reads: 0 };
  const resources = Object.entries(versions).map(([name, version]): [string, VersionedResource] => [
    name,
    {
      name,
      version,
      get body() {
        counts.reads += 1;
        return Buffer.from(version);
      },
    },
  ]);
  return { counts, set: new Map(resources) as ResourceSet };
}

test('a change is encoded once, and each of ninety streams gets it under its own nonce', () => {
  for (const variant of ['delta', 'sotw'] as const) {
    const encoder = new ResponseEncoder('cp');
    const before = counted({ a: '1', b: '1' });
    const after = counted({ a: '2', b: '1' });
    const sent: Buffer[] = [];
    const feed = (state: ServerState, input: ServerInput): ServerState => {
      const step = stepServer(state, input);
      for (const output of step.outputs)
        if (output.kind === 'respond') sent.push(encoder.encode(variant, output.response));
      return step.state;
    };
    const streams = Array.from({ length: 90 }, (_, index) => {
      const first = request(variant, '', '');
      let state = feed(initialServerState(variant), { kind: 'request', request: first, resources: before.set, now: 0 });
      const { nonce, version } = decode(variant, sent.at(-1));
      // Streams have come so far by different ways.
      const answer = request(variant, nonce, version);
      state = feed(
        { ...state, nextNonce: 10 + index },
        { kind: 'request', request: answer, resources: before.set, now: 0 },
      );
      return state;
    });
    sent.length = 0;
    const reads = after.counts.reads;
    for (const state of streams)
      feed(state, { kind: 'view', resources: new Map([[CLUSTER_TYPE_URL, after.set]]), now: 0 });
    assert.equal(sent.length, streams.length);
    // The size of a body is looked at by each delta, to split large ones; its bytes are copied once.
    const perStream = variant === 'delta' ? streams.length : 0;
    assert(after.counts.reads - reads <= perStream + 2, `${after.counts.reads - reads} reads`);
    assert.equal(new Set(sent.map((bytes) => decode(variant, bytes).nonce)).size, streams.length);
    assert.equal(new Set(sent.map((bytes) => bytes.subarray(0, -4).toString('hex'))).size, 1, 'the same bytes');
    assert.deepEqual(decode(variant, sent[0]).bodies, variant === 'delta' ? ['2'] : ['2', '1']);
  }
});

function request(variant: Variant, nonce: string, version: string) {
  const typeUrl = CLUSTER_TYPE_URL;
  return variant === 'sotw'
    ? { variant, typeUrl, nonce, version, names: [] }
    : { variant, typeUrl, nonce, subscribe: [], unsubscribe: [], initialVersions: new Map<string, string>() };
}

function decode(variant: Variant, bytes: Buffer | undefined) {
  assert(bytes !== undefined);
  if (variant === 'sotw') {
    const { nonce, versionInfo, resources } = fromBinary(DiscoveryResponseSchema, bytes);
    return { nonce, version: versionInfo, bodies: resources.map(({ value }) => Buffer.from(value).toString()) };
  }
  const { nonce, resources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  return { nonce, version: '', bodies: resources.map(({ resource }) => Buffer.from(resource?.value ?? []).toString()) };
}
