import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import {
  aggregatedService,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  RESOURCE_TYPE_URL,
} from '@pulseplane/wire';
import { createDiscoveryServer, type ResourceSet } from '@pulseplane/xds';
import { FleetMetrics } from './fleet-metrics.ts';

const HOUR_MS = 3_600_000;

test('from a commit to its ACK: what a client is sent because it asks for more says nothing of that', async (context) => {
  let now = 0;
  let committedAt = 0;
  let resources: ResourceSet = new Map();
  const watchers = new Set<() => void>();
  const metrics = new FleetMetrics(
    () => committedAt,
    () => new Date(now),
  );
  const server = createDiscoveryServer({
    source: {
      resources: () => resources,
      watch: (_node, changed) => {
        watchers.add(changed);
        return () => watchers.delete(changed);
      },
    },
    observer: metrics,
    identifier: 'test',
  });
  const client = new Client(`127.0.0.1:${await server.listen('127.0.0.1', 0)}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = aggregatedService.delta.method;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  stream.on('error', () => undefined);
  context.after(async () => {
    stream.cancel();
    client.close();
    await server.close();
  });
  const commit = (version: string) => {
    committedAt = now;
    resources = new Map(['a', 'b', 'c'].map((name) => [name, { name, version, body: Buffer.from(name) }]));
    for (const changed of watchers) changed();
  };
  const say = (asked: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
    stream.write(create(DeltaDiscoveryRequestSchema, { typeUrl: RESOURCE_TYPE_URL, ...asked }));
  const next = async () => ((await once(stream, 'data')) as [DeltaDiscoveryResponse])[0].nonce;
  const count = async () => {
    const { text } = await metrics.read();
    const [, found = '0'] = /^pulseplane_xds_ack_seconds_count\{.*\} (\d+)$/m.exec(text) ?? [];
    const [, sum = '0'] = /^pulseplane_xds_ack_seconds_sum\{.*\} ([\d.]+)$/m.exec(text) ?? [];
    const [, acked = '0'] = /^pulseplane_xds_answers_total\{.*outcome="acked"\} (\d+)$/m.exec(text) ?? [];
    return { acked: Number(acked), count: Number(found), sum: Number(sum) };
  };
  const until = async (acked: number, expected: { readonly count: number; readonly sum: number }) => {
    for (const end = Date.now() + 5_000; (await count()).acked < acked && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(await count(), { acked, ...expected });
  };

  commit('1');
  now += HOUR_MS;
  say({ node: { id: 'w', metadata: { role: 'ns~gw' } }, resourceNamesSubscribe: ['a'] });
  say({ responseNonce: await next() });
  await until(1, { count: 0, sum: 0 });

  now += HOUR_MS;
  commit('2');
  const changed = await next();
  now += 1_500;
  say({ responseNonce: changed });
  await until(2, { count: 1, sum: 1.5 });

  now += HOUR_MS;
  say({ resourceNamesSubscribe: ['b'] });
  const more = await next();
  say({ responseNonce: more, resourceNamesSubscribe: ['c'] });
  say({ responseNonce: await next() });
  await until(4, { count: 1, sum: 1.5 });

  // A change that comes while an answer is awaited goes out with that.
  now += HOUR_MS;
  commit('3');
  const third = await next();
  now += 500;
  commit('4');
  say({ responseNonce: third });
  const fourth = await next();
  now += 1_000;
  say({ responseNonce: fourth });
  await until(6, { count: 3, sum: 3 });
});
