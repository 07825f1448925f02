import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  aggregatedService,
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  clientStatusService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../../packages/wire/src/index.ts';
import { eventually, freePorts } from '../system/running-system.ts';
import { startEdge } from './edge.ts';
import { needsEnvoy, spawnEnvoy } from './envoy-process.ts';

const skip = needsEnvoy();
const LISTENER = 'type.googleapis.com/envoy.config.listener.v3.Listener';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
/** A line of the key itself. */
const SECRET = PEM.split('\n')[1] ?? assert.fail('no key');

test('the private key in the text of a real NACK is nowhere to be seen', { skip }, async () => {
  const text = await envoysNack(badListener());
  assert.ok(text.includes(SECRET), text);
  assert.match(text, /PortValue: value must be less than or equal to 65535/);

  await using edge = await startEdge();
  const client = new Client(`127.0.0.1:${edge.ports.xds}`, credentials.createInsecure());
  using _ = { [Symbol.dispose]: () => client.close() };
  await refuse(client, text);
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${edge.ports.rest}${path}`)).text();
  for (const [kind, name] of [
    ['Gateway', 'edge'],
    ['AgentgatewayPolicy', 'edge-keepalive'],
  ] as const) {
    await eventually(async () => {
      const { status, message } = await edge.condition(kind, name, 'Programmed');
      assert.equal(status, 'False');
      assert.match(message, /PortValue: value must be less/);
      assert.ok(!message.includes(SECRET), message);
    });
  }
  const events = await eventually(async () => {
    const told = await get('/api/v1/namespaces/default/events');
    assert.match(told, /"reason":"Rejected"/);
    return told;
  });
  const workers = await get('/v1/workers');
  const clients = JSON.stringify(await clientStatus(client), (_key, value) =>
    typeof value === 'bigint' ? String(value) : (value as unknown),
  );
  for (const told of [workers, clients, edge.output()]) assert.match(told, /PortValue: value must be less/);
  const metrics = await get('/metrics');
  assert.match(metrics, /pulseplane_xds_nacks_total\{[^}]*reason="constraint"\} 1/);
  for (const told of [events, workers, clients, metrics, edge.output()]) assert.ok(!told.includes(SECRET), told);
});

/** What a real Envoy says of a Listener, as it comes over the wire. */
async function envoysNack(listener: Uint8Array): Promise<string> {
  const told: string[] = [];
  const stream = (call: ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>) => {
    call.on('error', () => undefined);
    call.on('data', ({ typeUrl, responseNonce, errorDetail }: DeltaDiscoveryRequest) => {
      if (errorDetail !== undefined) told.push(errorDetail.message);
      if (responseNonce !== '') return;
      const resource = { typeUrl, value: listener };
      const resources = typeUrl === LISTENER ? [{ name: 'bad', version: '1', resource }] : [];
      call.write(create(DeltaDiscoveryResponseSchema, { typeUrl, nonce: '1', resources }));
    });
  };
  const server = new Server();
  server.addService({ stream: aggregatedService.delta.method }, { stream });
  const ports = await freePorts();
  await new Promise<void>((resolve, reject) => {
    const address = `127.0.0.1:${ports.xds}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  await using _envoy = spawnEnvoy(ports);
  try {
    return await eventually(() => told[0] ?? assert.fail('it has not answered'), 20_000);
  } finally {
    server.forceShutdown();
  }
}

/** Takes part as an Envoy of the gateway, and rejects its listeners. */
async function refuse(client: Client, message: string): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = aggregatedService.delta.method;
  const stream = client.makeBidiStreamRequest<DeltaDiscoveryRequest, DeltaDiscoveryResponse>(
    path,
    requestSerialize,
    responseDeserialize,
  );
  stream.on('error', () => undefined);
  const node = { id: 'edge-0', metadata: { role: 'default~edge' }, userAgentName: 'envoy' };
  stream.write(create(DeltaDiscoveryRequestSchema, { node, typeUrl: LISTENER }));
  const [{ nonce }] = (await once(stream, 'data')) as [DeltaDiscoveryResponse];
  stream.write(
    create(DeltaDiscoveryRequestSchema, {
      typeUrl: LISTENER,
      responseNonce: nonce,
      errorDetail: { code: 13, message },
    }),
  );
}

function clientStatus(client: Client): Promise<ClientStatusResponse | undefined> {
  const { path, requestSerialize, responseDeserialize } = clientStatusService.fetchClientStatus;
  const request = create(ClientStatusRequestSchema, { excludeResourceContents: true });
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
      error === null ? resolve(response as ClientStatusResponse) : reject(error),
    ),
  );
}

/** TLS with a key within, on a port that there is none of: what we never send, in the fields of Envoy's protos. */
function badListener(): Uint8Array {
  const certificate = message([1, message([3, 'no certificate'])], [2, message([3, PEM])]);
  const tls = any(
    'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    message([1, message([2, certificate])]),
  );
  const proxy = any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', message([1, 'p'], [2, 'none']));
  const chain = message(
    [3, message([1, 'envoy.filters.network.tcp_proxy'], [4, proxy])],
    [6, message([1, 'envoy.transport_sockets.tls'], [3, tls])],
  );
  return message([1, 'bad'], [2, message([1, message([2, '127.0.0.1'], [3, 70_000])])], [3, chain]);
}

function any(type: string, value: Uint8Array): Uint8Array {
  return message([1, `type.googleapis.com/${type}`], [2, value]);
}

function message(...fields: readonly (readonly [no: number, value: Uint8Array | string | number])[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [no, value] of fields) {
    if (typeof value === 'number') writer.tag(no, WireType.Varint).uint32(value);
    else writer.tag(no, WireType.LengthDelimited).bytes(typeof value === 'string' ? Buffer.from(value) : value);
  }
  return writer.finish();
}
