import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERROR, FLAG, FRAME } from '../http2/protocol.ts';
import { worldInFrontOf } from '../testing/http2-backend.ts';
import { frame, word } from '../testing/http2-client.ts';
import { backendPolicy, createWorld, GATEWAY, portResources, until } from '../testing/world.ts';

const VERSION_2 = { section: 'http', version: 'http2' } as const;

/** A worker in front of an HTTP/2 backend. */
async function worldWith(
  onStream: (stream: ServerHttp2Stream, path: string, headers: http2.IncomingHttpHeaders) => void,
) {
  const sessions: ServerHttp2Session[] = [];
  const server = http2.createServer();
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, String(headers[':path']), headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const world = await createWorld();
  const { port } = server.address() as AddressInfo;
  world.apply(...portResources('http', world.httpPort, port), backendPolicy(VERSION_2));
  return {
    world,
    sessions,
    get: (path = '/') => fetch(`http://127.0.0.1:${world.httpPort}${path}`),
    async stop() {
      await world.stop();
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.end('hello');
}

test('a session that the backend ends is followed by another; what it still carries is finished', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { sessions, get, stop } = await worldWith((stream, path) => {
    if (path === '/held') held.push(stream);
    else answer(stream);
  });
  t.after(stop);
  assert.equal(await (await get()).text(), 'hello');
  const late = get('/held');
  await until(() => held.length === 1);
  // GOAWAY without an error: no more requests on this one.
  sessions[0]?.close();
  await sleep(50);
  assert.equal(await (await get()).text(), 'hello');
  assert.equal(sessions.length, 2);
  if (held[0] !== undefined) answer(held[0]);
  assert.equal(await (await late).text(), 'hello');

  sessions[1]?.destroy();
  await until(() => sessions[1]?.destroyed === true);
  await sleep(50);
  assert.equal(await (await get()).text(), 'hello');
  assert.equal(sessions.length, 3);
});

test('a header that has the name of what every object has is passed on as it came', async (t) => {
  const { world, stop } = await worldWith((stream, _path, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(headers['constructor']);
  });
  t.after(stop);
  const asked = request({ port: world.httpPort, agent: false, headers: { constructor: 'a' } }).end();
  const [response] = await once(asked, 'response');
  const [body] = await once(response, 'data');
  assert.equal(String(body), 'a');
});

test('a client that goes away cancels its stream, and no other', async (t) => {
  const closed: number[] = [];
  let open = 0;
  const { world, sessions, get, stop } = await worldWith((stream, path) => {
    if (path !== '/never') return answer(stream);
    open += 1;
    stream.once('close', () => closed.push(stream.rstCode));
  });
  t.after(stop);
  const gone = request({ port: world.httpPort, path: '/never', agent: false }).on('error', () => undefined);
  gone.end();
  await until(() => open === 1);
  gone.destroy();
  await until(() => closed.length === 1);
  assert.deepEqual(closed, [http2.constants.NGHTTP2_CANCEL]);
  assert.equal(await (await get()).text(), 'hello');
  assert.equal(sessions.length, 1);
});

test('a stream that the backend breaks off is passed on as broken; one that it does not answer is a 503', async (t) => {
  const { get, stop } = await worldWith((stream, path) => {
    if (path === '/refuse') return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    if (path === '/none') return stream.close(http2.constants.NGHTTP2_NO_ERROR);
    stream.respond({ ':status': 200 });
    stream.write('half');
    const breakOff = () => (path === '/cut' ? stream.session?.destroy() : stream.destroy(new Error('broken')));
    setTimeout(breakOff, 100);
  });
  t.after(stop);
  for (const path of ['/refuse', '/none']) {
    const refused = await get(path);
    assert.equal(`${refused.status} ${await refused.text()}`, '503 upstream unreachable\n', path);
  }
  for (const path of ['/break', '/cut']) {
    const broken = await get(path);
    assert.equal(broken.status, 200);
    await assert.rejects(broken.text(), path);
  }
});

test('a slow reader holds the backend back', async (t) => {
  let written = 0;
  const { world, stop } = await worldWith((stream) => {
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      do written += chunk.length;
      while (!stream.destroyed && stream.write(chunk));
    };
    stream.on('drain', more);
    more();
  });
  t.after(stop);
  const slow = request({ port: world.httpPort, agent: false }).end();
  const [response] = await once(slow, 'response');
  response.pause();
  await until(() => written > 0);
  let before = -1;
  await until(async () => {
    const was = before;
    before = written;
    await sleep(200);
    return was === written;
  }, 5_000);
  assert.ok(written < 32_000_000, `${written} bytes were taken from the backend`);
  slow.destroy();
});

test('each path has a session of its own', async (t) => {
  const { world, sessions, get, stop } = await worldWith(answer);
  t.after(stop);
  const [, , , base] = portResources('http', world.httpPort, 1);
  assert.ok(base?.kind === 'route');
  const other = { ...base, key: 'httpbin/other', name: { ...base.name, name: 'other' } };
  const onOther = { route: { kind: 'HTTPRoute', namespace: GATEWAY.namespace, name: 'other' } };
  world.apply({ ...other, matches: [{ path: { type: 'prefix', value: '/other' }, headers: [] }] });
  for (const path of ['/', '/other', '/', '/other']) await (await get(path)).text();
  assert.equal(sessions.length, 2);
  world.apply(backendPolicy({ section: 'tcp', keepalive: { timeMs: 60_000 } }, onOther, 'other'));
  await until(async () => (await world.upstreams()).some(({ keepalive }) => keepalive.idleSeconds === 60));
  const rows = await world.upstreams();
  assert.deepEqual(
    rows.map(({ route, keepalive }) => [route, keepalive.idleSeconds]),
    [
      ['HTTPRoute httpbin/http', 180],
      ['HTTPRoute httpbin/other', 60],
    ],
  );
});

const OK = frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0x88]));
const NOT_WANTED = frame(FRAME.RST_STREAM, 0, 1, word(ERROR.NO_ERROR));

test('a part of an answer is not taken for the whole when the backend resets it without an error', async (t) => {
  const half = Buffer.concat([OK, frame(FRAME.DATA, 0, 1, Buffer.from('half')), NOT_WANTED]);
  const { world, stop } = await worldInFrontOf((type) => (type === FRAME.HEADERS ? half : undefined));
  t.after(stop);
  await assert.rejects(async () => (await fetch(`http://127.0.0.1:${world.httpPort}/`)).text());
});

test('an answer whose status is none is a 503', async (t) => {
  const none = frame(
    FRAME.HEADERS,
    FLAG.END_HEADERS | FLAG.END_STREAM,
    1,
    Buffer.from([0x08, 3, ...Buffer.from('099')]),
  );
  const { world, stop } = await worldInFrontOf((type) => (type === FRAME.HEADERS ? none : undefined));
  t.after(stop);
  const { status, body } = await fetch(`http://127.0.0.1:${world.httpPort}/`);
  await body?.cancel();
  assert.equal(status, 503);
  assert.match(await world.metrics(), /^pulseplane_faults_total\{ended="exchange"\} 0$/m);
});

const PIECES = 12;
const PIECE = Buffer.alloc(16_384, 'x');

/** HEADERS with the status 413, DATA with the end of the stream, RST_STREAM with NO_ERROR. */
const CALLED_OFF = Buffer.concat([
  frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0x08, 3, ...Buffer.from('413')])),
  ...Array.from({ length: PIECES }, () => frame(FRAME.DATA, 0, 1, PIECE)),
  frame(FRAME.DATA, FLAG.END_STREAM, 1),
  NOT_WANTED,
]);

test('a whole answer reaches a client whose upload the backend calls off with it', async (t) => {
  // All at once: what is left of the request is not wanted, and the answer is whole (RFC 9113, section 8.1).
  const { world, stop } = await worldInFrontOf((type) => (type === FRAME.DATA ? CALLED_OFF : undefined));
  t.after(stop);
  const asked = request({ port: world.httpPort, method: 'POST', agent: false });
  asked.on('error', () => undefined);
  const answered = once(asked, 'response');
  asked.write('the beginning');
  const [response] = (await answered) as [IncomingMessage];
  let bytes = 0;
  for await (const piece of response) bytes += (piece as Buffer).length;
  assert.deepEqual([response.statusCode, bytes], [413, PIECES * PIECE.length]);
  asked.destroy();
});
