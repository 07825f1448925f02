import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { eventually } from '../system/running-system.ts';
import { type Edge, startEdge } from './edge.ts';

const METHOD = '/test.Echo/Say';
const text = { encode: (value: string) => Buffer.from(value), decode: (bytes: Buffer) => bytes.toString() };

register();

test("gRPC's own xDS client reaches a backend without a proxy, and follows when it moves", async () => {
  await using edge = await startEdge();
  const [first, second] = await Promise.all([startServer('first'), startServer('second')]);
  const client = xdsClient(edge);
  // Before the edge ends: a client that has lost its xDS server may never end.
  using _ = {
    [Symbol.dispose]: () => {
      client.close();
      first.server.forceShutdown();
      second.server.forceShutdown();
    },
  };

  await edge.apply(backendAt(edge, first.port));
  assert.equal(await say(client, 'hello'), 'first: hello');
  await eventually(async () => assert.equal((await edge.condition('Gateway', 'edge', 'Programmed')).status, 'True'));

  await edge.apply(backendAt(edge, second.port));
  await eventually(async () => assert.equal(await say(client, 'hello'), 'second: hello'));

  // No call fails while the route moves to another backend, and the former one goes.
  const other = { ...backendAt(edge, first.port), metadata: { name: 'other' } };
  await edge.apply(other);
  const answers: string[] = [];
  const calls = (async () => {
    while (!answers.includes('first: again')) answers.push(await say(client, 'again'));
  })();
  await edge.apply(routeTo(edge, 'other'));
  await edge.delete('AgentgatewayBackend', 'upstream');
  await calls;
  assert.deepEqual(new Set(answers), new Set(['second: again', 'first: again']));
});

/** A gRPC server that answers with its name. */
async function startServer(name: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = new Server();
  const say = {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: text.encode,
    requestDeserialize: text.decode,
    responseSerialize: text.encode,
    responseDeserialize: text.decode,
  };
  server.addService(
    { say },
    {
      say: (call: { request: string }, answer: (error: null, value: string) => void) =>
        answer(null, `${name}: ${call.request}`),
    },
  );
  const bind = promisify(server.bindAsync.bind(server));
  return { server, port: await bind('127.0.0.1:0', ServerCredentials.createInsecure()) };
}

function xdsClient({ ports }: Edge): Client {
  const bootstrap = {
    xds_servers: [
      {
        server_uri: `127.0.0.1:${ports.xds}`,
        channel_creds: [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    node: { id: 'client-1', locality: {}, metadata: { role: 'default~edge' } },
  };
  return new Client(`xds:///edge.default:${ports.http}`, credentials.createInsecure(), {
    'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': JSON.stringify(bootstrap),
  });
}

function say(client: Client, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      METHOD,
      text.encode,
      text.decode,
      words,
      { deadline: Date.now() + 20_000 },
      (error, answer) => (error === null ? resolve(answer ?? '') : reject(error)),
    );
  });
}

function backendAt(edge: Edge, port: number) {
  return { ...edge.example('AgentgatewayBackend'), spec: { static: { host: '127.0.0.1', port } } };
}

function routeTo(edge: Edge, name: string) {
  const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }];
  const { parentRefs } = edge.example('HTTPRoute')['spec'] as { readonly parentRefs: readonly object[] };
  return { ...edge.example('HTTPRoute'), spec: { parentRefs, rules: [{ backendRefs }] } };
}
