import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { backendPolicy, createWorld, portResources, until, type World } from '../testing/world.ts';

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, isStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const UNARY = method('Unary', false);
const BOTH = method('Both', true);

let world: World;
let server: Server;
let client: Client;
/** What the server saw of calls that the client gave up. */
let cancelled = 0;

before(async () => {
  server = new Server();
  server.addService(
    { Unary: UNARY, Both: BOTH },
    {
      Unary(
        call: ServerUnaryCall<Buffer, Buffer>,
        callback: (error: Partial<ServiceError> | null, answer?: Buffer) => void,
      ) {
        call.on('cancelled', () => {
          cancelled += 1;
        });
        const text = call.request.toString();
        if (text === 'fail') return callback({ code: status.FAILED_PRECONDITION, details: 'not now: ä' });
        if (text === 'never') return;
        const metadata = new Metadata();
        metadata.set('x-seen', String(call.metadata.get('x-mine')[0]));
        metadata.set('x-bytes-bin', Buffer.from([0, 255]));
        call.sendMetadata(metadata);
        callback(null, call.request);
      },
      Both(call: ServerDuplexStream<Buffer, Buffer>) {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('cancelled', () => {
          cancelled += 1;
        });
        call.on('end', () => {
          const trailers = new Metadata();
          trailers.set('x-sum', '42');
          call.end(trailers);
        });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  world = await createWorld();
  world.apply(...portResources('http', world.httpPort, port), backendPolicy({ section: 'http', version: 'http2' }));
  client = new Client(`127.0.0.1:${world.httpPort}`, credentials.createInsecure());
});

after(async () => {
  client.close();
  await world.stop();
  server.forceShutdown();
});

function unary(text: string, deadlineMs = 5_000) {
  const metadata = new Metadata();
  metadata.set('x-mine', 'yes');
  const options = { deadline: Date.now() + deadlineMs };
  let call: ReturnType<typeof client.makeUnaryRequest> | undefined;
  const answer = new Promise<Buffer>((resolve, reject) => {
    call = client.makeUnaryRequest(UNARY.path, same, same, Buffer.from(text), metadata, options, (error, message) =>
      error === null && message !== undefined ? resolve(message) : reject(error),
    );
  });
  assert.ok(call);
  return { call, answer };
}

test('a unary call, with metadata both ways', async () => {
  const { call, answer } = unary('hello');
  const [metadata] = (await once(call, 'metadata')) as [Metadata];
  assert.equal((await answer).toString(), 'hello');
  assert.deepEqual(metadata.get('x-seen'), ['yes']);
  assert.deepEqual(metadata.get('x-bytes-bin'), [Buffer.from([0, 255])]);
});

test('an error without a message is its code and text at the client (trailers only)', async () => {
  await assert.rejects(unary('fail').answer, { code: status.FAILED_PRECONDITION, details: 'not now: ä' });
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest('/test.Echo/Nothing', same, same, Buffer.alloc(0), resolve);
  });
  assert.equal(error?.code, status.UNIMPLEMENTED);
});

test('a stream both ways: each message answered before the next is sent, then trailers', async () => {
  const call = client.makeBidiStreamRequest(BOTH.path, same, same);
  const ended = once(call, 'status');
  for (let n = 0; n < 50; n += 1) {
    call.write(Buffer.alloc(n * 1_000, n));
    const [message] = (await once(call, 'data')) as [Buffer];
    assert.equal(message.length, n * 1_000);
  }
  call.end();
  const [result] = await ended;
  assert.equal(result.code, status.OK);
  assert.deepEqual(result.metadata.get('x-sum'), ['42']);
});

test('a deadline and a cancellation reach the server', async () => {
  cancelled = 0;
  await assert.rejects(unary('never', 200).answer, { code: status.DEADLINE_EXCEEDED });
  await until(() => cancelled === 1);
  const { call, answer } = unary('never');
  setTimeout(() => call.cancel(), 100);
  await assert.rejects(answer, { code: status.CANCELLED });
  await until(() => cancelled === 2);
  const stream = client.makeBidiStreamRequest(BOTH.path, same, same);
  stream.on('error', () => undefined);
  stream.write(Buffer.from('x'));
  await once(stream, 'data');
  stream.cancel();
  await until(() => cancelled === 3);
});

test('a hundred calls at once share one connection to the backend', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => unary(`call ${n}`).answer));
  assert.deepEqual(
    answers.map(String),
    Array.from({ length: 100 }, (_, n) => `call ${n}`),
  );
  assert.equal((await world.upstreams()).filter(({ protocol }) => protocol === 'http2').length, 1);
});
