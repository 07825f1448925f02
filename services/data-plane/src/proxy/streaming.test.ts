import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, httpPolicy, until, type World } from '../testing/world.ts';

let world: World;
let session: ClientHttp2Session;
/** The requests that the upstream holds. */
let held: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;

before(async () => {
  world = await createWorld({
    onRequest(request, response) {
      held = { request, response };
      response.once('close', () => {
        if (held?.response === response) held = undefined;
      });
    },
  });
  session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
});

after(async () => {
  session.destroy();
  await world.stop();
});

async function upstream(): Promise<NonNullable<typeof held>> {
  await until(() => held !== undefined);
  return held ?? assert.fail();
}

test('server-sent events: the head before any event, each event as it comes, and no idle limit while it is silent', async () => {
  const policy = httpPolicy({ http1IdleTimeoutMs: 1_000 });
  world.apply(policy);
  const events = 'text/event-stream';
  const one = get({ port: world.httpPort, path: '/events', headers: { accept: events } });
  const { response } = await upstream();
  response.writeHead(200, { 'content-type': events });
  response.flushHeaders();
  const [answer] = (await once(one, 'response')) as [IncomingMessage];
  assert.equal(answer.headers['content-type'], events);
  for (const pause of [0, 1_500]) {
    await sleep(pause);
    response.write('data: x\n\n');
    assert.equal(String((await once(answer, 'data'))[0]), 'data: x\n\n');
  }
  one.destroy();
  await until(() => held === undefined);

  const stream = session.request({ ':path': '/events', accept: events });
  const two = await upstream();
  two.response.writeHead(200, { 'content-type': events });
  two.response.flushHeaders();
  assert.equal((await once(stream, 'response'))[0]['content-type'], events);
  two.response.write('data: y\n\n');
  assert.equal(String((await once(stream, 'data'))[0]), 'data: y\n\n');
  stream.close();
  await until(() => held === undefined);
  world.remove(policy);
});

test('request and answer stream at the same time', async () => {
  const one = httpRequest({ port: world.httpPort, method: 'POST', path: '/both' });
  const two = session.request({ ':method': 'POST', ':path': '/both' }, { endStream: false });
  for (const client of [one, two]) {
    client.write('first');
    const { request, response } = await upstream();
    assert.equal(String((await once(request, 'data'))[0]), 'first');
    response.write('answer to first');
    const answer = client === one ? ((await once(one, 'response'))[0] as IncomingMessage) : two;
    assert.equal(String((await once(answer, 'data'))[0]), 'answer to first');
    client.write('second');
    assert.equal(String((await once(request, 'data'))[0]), 'second');
    response.end('answer to second');
    assert.equal(String((await once(answer, 'data'))[0]), 'answer to second');
    client.end();
    await until(() => held === undefined);
  }
});

test('an upstream that does not read holds the client back, over both versions', async () => {
  const one = httpRequest({ port: world.httpPort, method: 'POST', path: '/upload' });
  const two = session.request({ ':method': 'POST', ':path': '/upload' }, { endStream: false });
  for (const client of [one, two]) {
    client.on('error', () => undefined);
    let sent = 0;
    const write = (): void => {
      while (sent < 256 && client.write(Buffer.alloc(1_048_576))) sent += 1;
      sent += 1;
      if (sent < 256) client.once('drain', write);
    };
    write();
    const { request } = await upstream();
    request.pause();
    await sleep(400);
    const before = sent;
    await sleep(400);
    assert.equal(sent, before, 'nothing moves');
    // What kernels and buffers on the way take.
    assert.ok(sent < 48, `${sent} MiB were taken`);
    client.destroy();
    request.resume();
    await until(() => held === undefined);
  }
});
