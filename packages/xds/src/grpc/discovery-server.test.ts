import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  aggregatedService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from '@pulseplane/wire';
import type { ResourceSet } from '../protocol/resources.ts';
import type { ServerOutput } from '../protocol/server-step.ts';
import { type AdsClientState, runAdsClient } from './ads-client.ts';
import { createDiscoveryServer } from './discovery-server.ts';

const TYPE = 'type.googleapis.com/agentgateway.dev.resource.Resource';
const ROLE = 'httpbin~agentgateway-proxy';

/** A server on a loopback port whose one role's resources the test changes. */
async function startServer(port = 0) {
  let resources: ResourceSet = new Map();
  const watchers = new Set<() => void>();
  const outputs: ServerOutput[] = [];
  const live = new Set<number>();
  const refusals: string[] = [];
  const server = createDiscoveryServer({
    identifier: 'test',
    source: {
      resources: ({ role }, typeUrl) => (role === ROLE && typeUrl === TYPE ? resources : new Map()),
      watch: (_role, changed) => {
        watchers.add(changed);
        return () => watchers.delete(changed);
      },
    },
    observer: {
      opened: ({ id }) => live.add(id),
      requested: () => undefined,
      output: (_stream, output) => outputs.push(output),
      refused: (_stream, _rule, reason) => refusals.push(reason),
      closed: ({ id }) => live.delete(id),
    },
  });
  return {
    port: await server.listen('127.0.0.1', port),
    outputs,
    refusals,
    live,
    watchers,
    publish: (versions: Record<string, string>) => {
      resources = new Map(
        Object.entries(versions).map(([name, version]) => [name, { name, version, body: Buffer.from(version) }]),
      );
      for (const changed of watchers) changed();
    },
    close: () => server.close(),
  };
}

type RawStream = ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

function openRaw(port: number): { readonly stream: RawStream; readonly close: () => void } {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = aggregatedService.delta.method;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  stream.on('error', () => {});
  return {
    stream,
    close: () => {
      stream.cancel();
      client.close();
    },
  };
}

function failure(stream: RawStream): Promise<ServiceError> {
  return new Promise((resolve) => stream.on('error', resolve));
}

function nextResponse(stream: RawStream): Promise<DeltaDiscoveryResponse> {
  return new Promise((resolve) => stream.once('data', resolve));
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert(Date.now() < deadline, 'did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const FIRST = { typeUrl: TYPE, node: { id: 'w1', metadata: { role: ROLE } } };

test('C1, C3, C4: a request without type, a first one without node and a changed node end the stream only', async () => {
  const server = await startServer();
  const cases: readonly [readonly Parameters<typeof create<typeof DeltaDiscoveryRequestSchema>>[1][], RegExp][] = [
    [[{ ...FIRST, typeUrl: '' }], /type URL is required/],
    [[{ typeUrl: TYPE }], /must carry node\.id/],
    [[FIRST, { ...FIRST, node: { id: 'w2' } }], /node\.id changed on the stream from w1 to w2/],
  ];
  const bystander = openRaw(server.port);
  bystander.stream.write(
    create(DeltaDiscoveryRequestSchema, { ...FIRST, node: { id: 'bystander', metadata: { role: ROLE } } }),
  );
  const { nonce } = await nextResponse(bystander.stream);
  bystander.stream.write(create(DeltaDiscoveryRequestSchema, { typeUrl: TYPE, responseNonce: nonce }));
  for (const [requests, message] of cases) {
    const { stream, close } = openRaw(server.port);
    const failed = failure(stream);
    for (const request of requests) stream.write(create(DeltaDiscoveryRequestSchema, request));
    const error = await failed;
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.match(error.details, message);
    close();
  }
  await until(() => server.live.size === 1);
  assert.equal(server.refusals.length, cases.length, 'each refusal is told to the observer');
  server.publish({ a: '1' });
  assert.deepEqual(
    (await nextResponse(bystander.stream)).resources.map(({ name }) => name),
    ['a'],
  );
  bystander.close();
  await until(() => server.live.size === 0 && server.watchers.size === 0);
  await server.close();
});

test("agentgateway's workloads are answered at once, and there are none", async () => {
  const server = await startServer();
  server.publish({ a: '1' });
  const { stream, close } = openRaw(server.port);
  const typeUrl = 'type.googleapis.com/istio.workload.Address';
  // Both subscriptions at once, each with the node, as agentgateway opens its stream.
  for (const type of [typeUrl, TYPE]) stream.write(create(DeltaDiscoveryRequestSchema, { ...FIRST, typeUrl: type }));
  const response = await nextResponse(stream);
  assert.deepEqual([response.typeUrl, response.resources, response.removedResources], [typeUrl, [], []]);
  assert.notEqual(response.nonce, '');
  close();
  await server.close();
});

test('a role that names no gateway gets an empty answer, and the stream stays', async () => {
  const server = await startServer();
  server.publish({ a: '1' });
  const { stream, close } = openRaw(server.port);
  stream.write(
    create(DeltaDiscoveryRequestSchema, { typeUrl: TYPE, node: { id: 'w', metadata: { role: 'no~body' } } }),
  );
  const response = await nextResponse(stream);
  assert.deepEqual([response.resources, response.removedResources], [[], []]);
  assert.notEqual(response.nonce, '');
  assert.equal(response.controlPlane?.identifier, 'test');
  assert.equal(server.live.size, 1);
  close();
  await server.close();
});

test('the client applies, acknowledges, rejects, and after a restart of the server asks for what differs only', async () => {
  const first = await startServer();
  const tables = new Map<string, string>();
  const sizes: number[] = [];
  const states: AdsClientState[] = [];
  const stop = runAdsClient({
    address: `127.0.0.1:${first.port}`,
    node: { id: 'w1', role: ROLE },
    typeUrl: TYPE,
    random: () => 0,
    onState: (state) => states.push(state),
    take: ({ resources, removed }) => {
      sizes.push(resources.length);
      const bad = resources.filter(({ version }) => version.startsWith('bad'));
      for (const { name, version } of resources) if (!version.startsWith('bad')) tables.set(name, version);
      for (const name of removed) tables.delete(name);
      return bad.map(({ name }) => ({ name, error: 'is bad' }));
    },
  });
  first.publish({ a: '1', b: '1' });
  await until(() => tables.size === 2);
  first.publish({ a: '2', b: 'bad-2', c: '1' });
  await until(() => first.outputs.some(({ kind }) => kind === 'nacked'));
  assert.deepEqual(Object.fromEntries(tables), { a: '2', b: '1', c: '1' });
  const nack = first.outputs.find((output) => output.kind === 'nacked');
  assert.deepEqual(nack?.kind === 'nacked' && nack.rejections, [{ name: 'b', error: 'is bad' }]);

  await first.close();
  await until(() => states.at(-1)?.kind === 'disconnected');
  const second = await startServer(first.port);
  sizes.length = 0;
  second.publish({ a: '2', b: '3' });
  await until(() => tables.get('b') === '3');
  assert.deepEqual(Object.fromEntries(tables), { a: '2', b: '3' });
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    1,
    'only b differs',
  );
  assert.equal(states.at(-1)?.kind, 'connected');
  stop();
  await second.close();
});
