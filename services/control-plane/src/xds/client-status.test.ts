import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ConfigStatus,
  clientStatusService,
  RESOURCE_TYPE_URL,
} from '@pulseplane/wire';
import { createDiscoveryServer, type ResourceSet, runAdsClient } from '@pulseplane/xds';
import { createClientStatus } from './client-status.ts';
import { Fleet } from './fleet.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const BODIES = { good: 'good', bad: '-----BEGIN EC PRIVATE KEY-----' } as const;

/** Workers n1, which refuses resource `bad`, and n2, which takes everything. */
async function startFleet(context: TestContext) {
  const fleet = new Fleet(SILENT, () => new Date());
  const resources: ResourceSet = new Map(
    Object.entries(BODIES).map(([name, body]) => [name, { name, version: `${name}-1`, body: Buffer.from(body) }]),
  );
  const server = createDiscoveryServer({
    source: { resources: () => resources, watch: () => () => undefined },
    observer: fleet,
    services: [createClientStatus(() => fleet.streams())],
    identifier: 'test',
  });
  context.after(() => server.close());
  const port = await server.listen('127.0.0.1', 0);
  for (const id of ['n1', 'n2']) {
    context.after(
      runAdsClient({
        address: `127.0.0.1:${port}`,
        node: { id, role: 'ns~gw' },
        typeUrl: RESOURCE_TYPE_URL,
        random: () => 0,
        onState: () => undefined,
        take: () => (id === 'n1' ? [{ name: 'bad', error: 'is bad' }] : []),
      }),
    );
  }
  const answered = () =>
    fleet
      .streams()
      .flatMap(({ types }) => types)
      .map(({ state }) => state);
  for (const deadline = Date.now() + 5_000; answered().filter((state) => /cked$/.test(state)).length < 2; ) {
    assert(Date.now() < deadline, answered().join());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  context.after(() => client.close());
  return client;
}

type Asked = MessageInitShape<typeof ClientStatusRequestSchema>;

function fetchStatus(client: Client, asked: Asked): Promise<ClientStatusResponse | ServiceError> {
  const { path, requestSerialize, responseDeserialize } = clientStatusService.fetchClientStatus;
  return new Promise((resolve) => {
    const request = create(ClientStatusRequestSchema, asked);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
      resolve(error ?? (response as ClientStatusResponse)),
    );
  });
}

function nameOf(standing: ConfigStatus): string | undefined {
  return Object.entries(ConfigStatus).find(([, value]) => value === standing)?.[0];
}

/** Node, resource, where it stands, and why. */
function inShort(response: ClientStatusResponse | ServiceError) {
  assert('config' in response, 'details' in response ? response.details : '');
  return response.config.flatMap(({ node, genericXdsConfigs }) =>
    genericXdsConfigs.map(({ name, configStatus, versionInfo, errorState }) =>
      [node?.id, name, versionInfo, nameOf(configStatus), errorState?.details ?? ''].join(' '),
    ),
  );
}

test('CSDS tells which client holds which version, and what it refuses and why', async (context) => {
  const client = await startFleet(context);
  const ofFirst = ['n1 good good-1 SYNCED ', 'n1 bad bad-1 ERROR is bad'];
  const ofSecond = ['n2 good good-1 SYNCED ', 'n2 bad bad-1 SYNCED '];
  assert.deepEqual(inShort(await fetchStatus(client, {})).sort(), [...ofFirst, ...ofSecond].sort());
  const exact = { nodeId: { matchPattern: { case: 'exact', value: 'n1' } } } as const;
  const suffix = { nodeId: { matchPattern: { case: 'suffix', value: '2' } } } as const;
  const found = await fetchStatus(client, { nodeMatchers: [exact] });
  assert.deepEqual(inShort(found), ofFirst);
  assert('config' in found && found.config[0]?.genericXdsConfigs[0]?.xdsConfig?.typeUrl === RESOURCE_TYPE_URL);
  const withKey = found.config[0]?.genericXdsConfigs.find(({ name }) => name === 'bad');
  assert(withKey?.xdsConfig === undefined && withKey?.errorState?.failedConfiguration === undefined);
  const bare = await fetchStatus(client, { nodeMatchers: [suffix], excludeResourceContents: true });
  assert.deepEqual(inShort(bare), ofSecond);
  assert('config' in bare && bare.config[0]?.genericXdsConfigs.every(({ xdsConfig }) => xdsConfig === undefined));
  const refused = await fetchStatus(client, { nodeMatchers: [{ nodeMetadatas: [{}] }] });
  assert('code' in refused && refused.code === status.INVALID_ARGUMENT);
});

test('CSDS on a stream answers each request', async (context) => {
  const client = await startFleet(context);
  const { path, requestSerialize, responseDeserialize } = clientStatusService.streamClientStatus;
  const stream = client.makeBidiStreamRequest<ClientStatusRequest, ClientStatusResponse>(
    path,
    requestSerialize,
    responseDeserialize,
  );
  context.after(() => stream.cancel());
  stream.on('error', () => undefined);
  const sizes: number[] = [];
  const done = new Promise<void>((resolve) => {
    stream.on('data', (response: ClientStatusResponse) => sizes.push(response.config.length) === 2 && resolve());
  });
  const prefix = (value: string) => ({ nodeId: { matchPattern: { case: 'prefix' as const, value } } });
  stream.write(create(ClientStatusRequestSchema, {}));
  stream.write(create(ClientStatusRequestSchema, { nodeMatchers: [prefix('none'), prefix('n1')] }));
  await done;
  assert.deepEqual(sizes, [2, 1]);
});
