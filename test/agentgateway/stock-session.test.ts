import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import {
  aggregatedService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from '../../packages/wire/src/index.ts';
import { startEdge } from '../envoy/edge.ts';
import { eventually } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';

const ADDRESS = 'type.googleapis.com/istio.workload.Address';
const RESOURCE = 'type.googleapis.com/agentgateway.dev.resource.Resource';

/** As agentgateway's state_manager.rs makes it for the Gateway default/edge. */
const NODE = {
  id: 'agentgateway~10.0.0.7~edge-0.default~default.svc.cluster.local',
  metadata: {
    NAME: 'edge-0',
    NAMESPACE: 'default',
    INSTANCE_IPS: '10.0.0.7',
    NODE_NAME: 'node-1',
    role: 'default~edge',
    GATEWAY_NAME: 'edge',
  },
};

/** What it decodes, independent of what we encode with. */
const { root } = protobuf.parse('syntax = "proto3";', { keepCase: true });
root.resolvePath = (_origin, target) =>
  target.startsWith('google/') ? target : join(ROOT, 'proto/agentgateway/dev/resource', target);
await root.load('resource.proto', { keepCase: true });
const TYPE = root.lookupType('agentgateway.dev.resource.Resource');

type Fields = { readonly key: string; readonly [field: string]: unknown };

test('a stock agentgateway is served as its wire session asks for it', async () => {
  await using edge = await startEdge();
  const policy = edge.example('AgentgatewayPolicy');
  const spec = policy['spec'] as { readonly frontend: object };
  // Of two that set one section of one target it would take either. This one is younger.
  await edge.apply({ ...policy, metadata: { name: 'edge-late' } });
  const client = new Client(`127.0.0.1:${edge.ports.xds}`, credentials.createInsecure());
  using _ = { [Symbol.dispose]: () => client.close() };
  const first = session(client);
  // It is ready when it has an answer of each type in which it finds no fault.
  assert.deepEqual(await first.response(ADDRESS), { resources: [], removed: [] });
  const { resources } = await first.response(RESOURCE);
  const held = new Map(resources.map(({ name, version }) => [name, version]));
  assert.equal(held.size, resources.length);
  const decoded = resources.map(decode);
  const all = (kind: string): readonly Fields[] => decoded.flatMap((one) => (one.kind === kind ? [one.value] : []));

  const { http, tcp, upstream } = edge.ports;
  assert.deepEqual(
    all('bind').toSorted((a, b) => Number(a['port']) - Number(b['port'])),
    [
      { key: `${http}/default/edge`, port: http },
      { key: `${tcp}/default/edge`, port: tcp, protocol: 'TCP' },
    ].toSorted((a, b) => a.port - b.port),
  );
  const name = (listener_name: string) => ({ gateway_name: 'edge', gateway_namespace: 'default', listener_name });
  assert.deepEqual(
    all('listener').toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    [
      { key: 'default/edge.http', bind_key: `${http}/default/edge`, name: name('http'), protocol: 'HTTP' },
      { key: 'default/edge.tcp', bind_key: `${tcp}/default/edge`, name: name('tcp'), protocol: 'TCP' },
    ],
  );
  const backends = [{ backend: { backend: 'default/upstream' }, weight: 1 }];
  const [route] = all('route');
  assert.deepEqual(
    [route?.['listener_key'], route?.['matches'], route?.['backends']],
    ['default/edge.http', [{ path: { path_prefix: '/' } }], backends],
  );
  const [tcpRoute] = all('tcp_route');
  assert.deepEqual([tcpRoute?.['listener_key'], tcpRoute?.['backends']], ['default/edge.tcp', backends]);
  assert.deepEqual(all('backend'), [
    {
      key: 'default/upstream',
      name: { name: 'upstream', namespace: 'default' },
      static: { host: '127.0.0.1', port: upstream },
    },
  ]);
  const policies = all('policy');
  const sections = policies.flatMap(({ frontend, backend }) =>
    [frontend, backend].flatMap((one) => Object.keys(one ?? {})),
  );
  assert.deepEqual(sections.toSorted(), ['backend_tcp', 'http', 'tcp']);
  for (const { target } of policies) assert.deepEqual(target, { gateway: { name: 'edge', namespace: 'default' } });
  const keepalives = { time: { seconds: '30' }, interval: { seconds: '5' }, retries: 3 };
  assert.ok(
    policies.some(({ frontend }) => isDeepStrictEqual(frontend, { tcp: { keepalives } })),
    JSON.stringify(policies),
  );
  await eventually(async () => assert.equal((await edge.condition('Gateway', 'edge', 'Programmed')).status, 'True'));

  // What changes comes alone. It refuses it with code 0 and keeps what it has.
  const tcpAt90 = { keepalive: { time: '90s', interval: '5s', retries: 3 } };
  await edge.apply({ ...policy, spec: { ...spec, frontend: { ...spec.frontend, tcp: tcpAt90 } } });
  const changed = await first.response(RESOURCE, (response) =>
    response.resources.map((resource) => ({ key: resource.name, error: 'no such thing' })),
  );
  assert.equal(changed.resources.length, 1);
  const [refused] = changed.resources;
  assert.equal(refused && decode(refused).kind, 'policy');
  await eventually(async () => {
    const { status, message } = await edge.condition('AgentgatewayPolicy', 'edge-keepalive', 'Programmed');
    assert.equal(status, 'False');
    assert.match(message, /^Rejected by agentgateway~10\.0\.0\.7~edge-0\.default~\S+: policy\/\S+: no such thing$/);
  });

  // It comes again with what it holds, is always answered, and is not sent again what it has refused.
  first.end();
  const second = session(client, Object.fromEntries(held));
  assert.deepEqual(await second.response(ADDRESS), { resources: [], removed: [] });
  assert.deepEqual(await second.response(RESOURCE), { resources: [], removed: [] });
  await edge.delete('TCPRoute', 'raw');
  const { removed } = await second.response(RESOURCE);
  assert.deepEqual(
    removed.map((gone) => gone.split('/')[0]),
    ['tcp_route'],
  );
  const metrics = await (await fetch(`http://127.0.0.1:${edge.ports.rest}/metrics`)).text();
  assert.match(metrics, /pulseplane_xds_pushes_total\{type="istio\.workload\.Address"\} 2/);
});

type Resource = DeltaDiscoveryResponse['resources'][number];
type Response = { readonly resources: readonly Resource[]; readonly removed: readonly string[] };
type Refused = readonly { readonly key: string; readonly error: string }[];

/** A stream as client.rs opens it: both wildcards at once, each with the node, Resource with the versions it holds. */
function session(client: Client, initialResourceVersions: Readonly<Record<string, string>> = {}) {
  const { path, requestSerialize, responseDeserialize } = aggregatedService.delta.method;
  const stream: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
  );
  const send = (request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
    stream.write(create(DeltaDiscoveryRequestSchema, request));
  const received: DeltaDiscoveryResponse[] = [];
  stream.on('error', () => undefined);
  stream.on('data', (response: DeltaDiscoveryResponse) => received.push(response));
  send({ node: NODE, typeUrl: ADDRESS });
  send({ node: NODE, typeUrl: RESOURCE, initialResourceVersions });
  return {
    /** The next response of a type, answered as it answers: without a node, code 0. */
    response: async (typeUrl: string, judge: (response: Response) => Refused = () => []): Promise<Response> => {
      const index = await eventually(() => {
        const found = received.findIndex((one) => one.typeUrl === typeUrl);
        assert.ok(found >= 0, `no ${typeUrl}`);
        return found;
      });
      const [response] = received.splice(index, 1);
      assert.ok(response !== undefined && response.nonce !== '');
      const taken = { resources: response.resources, removed: response.removedResources };
      const refused = judge(taken);
      const message = JSON.stringify(refused);
      send({
        typeUrl,
        responseNonce: response.nonce,
        ...(refused.length > 0 && { errorDetail: { code: 0, message } }),
      });
      return taken;
    },
    end: () => stream.cancel(),
  };
}

/** A resource as agentgateway reads it; its name stands for its kind and key, which it remembers for the removal. */
function decode({ name, resource }: Resource): { readonly kind: string; readonly value: Fields } {
  assert.ok(resource !== undefined);
  assert.equal(resource.typeUrl, RESOURCE);
  const message = TYPE.toObject(TYPE.decode(resource.value), { enums: String, longs: String });
  const [[kind, value] = assert.fail('of no kind'), ...others] = Object.entries<Fields>(message);
  assert.deepEqual(others, []);
  assert.equal(name, `${kind}/${value.key}`);
  return { kind, value };
}
