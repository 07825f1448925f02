import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backendPolicy, createWorld, portResources, type World } from '../testing/world.ts';

const TIMEOUT_MS = 300;

function post(world: World) {
  const asked = request({ port: world.httpPort, method: 'POST', agent: false });
  asked.on('error', () => undefined);
  return asked;
}

type OnRequest = (incoming: Readable, response: ServerResponse) => Promise<void>;

/** A worker in front of a backend that speaks that version. */
async function worldBefore(t: TestContext, version: 'http1' | 'http2', onRequest: OnRequest): Promise<World> {
  const backend =
    version === 'http1'
      ? createServer(onRequest)
      : http2.createServer((incoming, response) => onRequest(incoming, response as unknown as ServerResponse));
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const world = await createWorld({ upstream: { headersTimeoutMs: TIMEOUT_MS } });
  t.after(async () => {
    await world.stop();
    backend.close();
  });
  world.apply(
    ...portResources('http', world.httpPort, (backend.address() as AddressInfo).port),
    backendPolicy({ section: 'http', version }),
  );
  return world;
}

for (const version of ['http1', 'http2'] as const) {
  test(`an answer that began before the end of its request may take as long as it likes: ${version}`, async (t) => {
    const onRequest: OnRequest = async (incoming, response) => {
      response.writeHead(200);
      response.write('begun, ');
      for await (const _ of incoming);
      await sleep(3 * TIMEOUT_MS);
      response.end('whole');
    };
    const asked = post(await worldBefore(t, version, onRequest));
    asked.write('one');
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    asked.end('two');
    let text = '';
    for await (const piece of answer.setEncoding('utf8')) text += piece;
    assert.equal(text, 'begun, whole');
  });
}

/** A backend of HTTP/2 that takes what `settings` allow and never answers. */
async function silentHttp2(t: TestContext, settings: http2.Settings): Promise<number> {
  const backend = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  backend.on('session', (session) => sessions.push(session.on('error', () => undefined)));
  backend.on('stream', (stream) => void stream.on('error', () => undefined));
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    backend.close();
  });
  return (backend.address() as AddressInfo).port;
}

const MUCH = Buffer.alloc(64 * 1_048_576);
const LITTLE = Buffer.from('a body');

for (const [what, settings, body, isWhole] of [
  ['HTTP/1.1: a backend that stops taking a request', undefined, MUCH, false],
  ['HTTP/2: a backend that stops taking a request', {}, MUCH, false],
  ['HTTP/2: a backend that takes nothing of a small one', { initialWindowSize: 0 }, LITTLE, true],
  ['HTTP/2: a backend that takes a request and is silent', {}, LITTLE, true],
  ['HTTP/2: a backend that takes no request at all', { maxConcurrentStreams: 0 }, LITTLE, true],
  ['HTTP/2: a backend that takes no request at all, nor one without a body', { maxConcurrentStreams: 0 }, '', true],
] as const) {
  test(`${what} has to answer in time, and gives its place back`, async (t) => {
    const world = await createWorld({
      onRequest: (incoming) => void incoming.pause(),
      upstream: { headersTimeoutMs: TIMEOUT_MS },
      limits: { upstreamRequests: 1, upstreamWaiting: 0 },
    });
    t.after(() => world.stop());
    if (settings !== undefined) {
      world.apply(
        ...portResources('http', world.httpPort, await silentHttp2(t, settings)),
        backendPolicy({ section: 'http', version: 'http2' }),
      );
    }
    for (let round = 0; round < 2; round += 1) {
      const asked = post(world);
      const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
      if (isWhole) asked.end(body);
      else asked.write(body);
      const startedAt = performance.now();
      const [answer] = await answered;
      const took = performance.now() - startedAt;
      let text = '';
      for await (const piece of answer.setEncoding('utf8')) text += piece;
      assert.equal(`${answer.statusCode} ${text}`, '504 upstream timeout\n');
      assert.ok(took >= TIMEOUT_MS - 50, `after ${took} ms`);
      asked.destroy();
    }
  });
}

for (const version of ['http1', 'http2'] as const) {
  test(`a backend is not hurried while the client is slow: ${version}`, async (t) => {
    const onRequest: OnRequest = async (incoming, response) => {
      let bytes = 0;
      for await (const piece of incoming) bytes += (piece as Buffer).length;
      response.end(String(bytes));
    };
    const asked = post(await worldBefore(t, version, onRequest));
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.write(Buffer.alloc(4 * 1_048_576));
    await sleep(2 * TIMEOUT_MS);
    asked.write('one');
    await sleep(2 * TIMEOUT_MS);
    asked.end('two');
    const [answer] = await answered;
    assert.equal(answer.statusCode, 200);
    answer.resume();
  });
}
