import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backendPolicy, createWorld, portResources, type World } from '../testing/world.ts';

const TIMEOUT_MS = 300;

function post(world: World) {
  const asked = request({ port: world.httpPort, method: 'POST', agent: false });
  asked.on('error', () => undefined);
  return asked;
}

for (const version of ['http1', 'http2'] as const) {
  test(`an answer that began before the end of its request may take as long as it likes: ${version}`, async (t) => {
    const onRequest = async (incoming: IncomingMessage | http2.Http2ServerRequest, response: ServerResponse) => {
      response.writeHead(200);
      response.write('begun, ');
      for await (const _ of incoming);
      await sleep(3 * TIMEOUT_MS);
      response.end('whole');
    };
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
    const asked = post(world);
    asked.write('one');
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    asked.end('two');
    let text = '';
    for await (const piece of answer.setEncoding('utf8')) text += piece;
    assert.equal(text, 'begun, whole');
  });
}

test('a backend that stops taking a request has to answer it in time', async (t) => {
  const world = await createWorld({
    onRequest: (incoming) => void incoming.pause(),
    upstream: { headersTimeoutMs: TIMEOUT_MS },
  });
  t.after(() => world.stop());
  const asked = post(world);
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  asked.write(Buffer.alloc(64 * 1_048_576));
  const startedAt = performance.now();
  const [answer] = await answered;
  assert.equal(answer.statusCode, 504);
  const took = performance.now() - startedAt;
  assert.ok(took >= TIMEOUT_MS - 50, `after ${took} ms`);
  asked.destroy();
});
