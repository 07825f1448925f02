import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { type TestContext, test } from 'node:test';
import { createLogger } from '@pulseplane/telemetry';
import { FLAG, FRAME } from '../http2/protocol.ts';
import { Http2Session } from '../http2/session.ts';
import { Http2Stream } from '../http2/stream.ts';
import { type Carry, carrySocket } from '../proxy/carry.ts';
import { Http1Serving } from '../proxy/http1-serving.ts';
import { Http2Serving } from '../proxy/http2-serving.ts';
import { worldInFrontOf } from '../testing/http2-backend.ts';
import { frame } from '../testing/http2-client.ts';
import { backendPolicy, createWorld, rawClient, until, type World, type WorldOptions } from '../testing/world.ts';
import { ResponseParser } from '../upstream/response-parser.ts';
import { Deadline } from './deadline.ts';

/** The status 200. */
const OK = Buffer.from([0x88]);
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n';

/** A worker with connections of all kinds that nothing is to happen to, and what it logs at error level. */
async function withBystanders(t: TestContext, options: WorldOptions = {}) {
  const logger = createLogger('test', 'silent');
  const logged: object[] = [];
  const world = await createWorld({
    // By hand, because what is broken in the worker would be broken in this backend too.
    onRequest: ({ url, socket }) => void (url === '/' && socket.write(ANSWER)),
    ...options,
    logger: Object.assign(Object.create(logger), { error: (fields: object) => void logged.push(fields) }),
  });
  const http1 = await rawClient(world.httpPort);
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const tcp = await rawClient(world.tcpPort);
  t.after(async () => {
    t.mock.restoreAll();
    session.destroy();
    for (const client of [http1, tcp]) client.socket.destroy();
    await world.stop();
  });
  /** That they are still served. */
  const live = async () => {
    const before = [http1, tcp].map((client) => client.received().length);
    http1.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    tcp.socket.write('more');
    const stream = session.request({ ':path': '/' }).resume();
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(headers[':status'], 200);
    await until(() => [http1, tcp].every((client, index) => client.received().length > (before[index] ?? 0)));
  };
  await live();
  return { world, logged, live, session };
}

async function faults(world: World): Promise<Readonly<Record<string, number>>> {
  const lines = (await world.metrics()).matchAll(/^pulseplane_faults_total\{ended="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, ended = '', count]) => [ended, Number(count)]));
}

/** Lets a method of the worker throw, once. */
function breakOnce(t: TestContext, prototype: object, method: string): void {
  const broken = () => {
    throw new TypeError('nobody had foreseen this');
  };
  t.mock.method(prototype as Record<string, () => void>, method, broken, { times: 1 });
}

async function askHttp1(world: World): Promise<string> {
  const asked = request({ port: world.httpPort, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece;
  return `${answer.statusCode} ${text}`;
}

async function askHttp2(world: World): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) text += piece;
  session.destroy();
  return `${headers[':status']} ${text}`;
}

for (const [what, prototype, method, ask, answer, ended] of [
  ['an answer, over HTTP/1.1', ServerResponse.prototype, 'writeHead', askHttp1, '500 internal error', 'exchange'],
  ['an answer, over HTTP/2', Http2Stream.prototype, 'respond', askHttp2, '500 internal error', 'exchange'],
  ['reading what a backend says', ResponseParser.prototype, 'push', askHttp1, '503 upstream unreachable', 'upstream'],
  [
    'asking over a pooled connection',
    ResponseParser.prototype,
    'begin',
    askHttp1,
    '503 upstream unreachable',
    'upstream',
  ],
] as const) {
  test(`an unforeseen error in ${what} is an answer, is told once, and ends nothing else`, async (t) => {
    const { world, logged, live } = await withBystanders(t);
    breakOnce(t, prototype, method);
    assert.equal(await ask(world), `${answer}\n`);
    assert.deepEqual(await faults(world), { exchange: 0, connection: 0, upstream: 0, [ended]: 1 });
    assert.equal(logged.length, 1);
    assert.match(JSON.stringify(logged), /"error":"nobody had foreseen this","stack":"TypeError: .* at /);
    await live();
    assert.equal(await ask(world), '200 hello\n');
  });
}

test('an unforeseen error in what a backend says over HTTP/2 is an answer, and ends its session alone', async (t) => {
  const { world, logged, live } = await withBystanders(t);
  const { world: other, stop } = await worldInFrontOf((type, stream) =>
    type === FRAME.HEADERS ? frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, OK) : undefined,
  );
  t.after(stop);
  assert.equal(await askHttp1(other), '200 ');
  breakOnce(t, Deadline.prototype, 'close');
  assert.equal(await askHttp1(other), '503 upstream unreachable\n');
  assert.deepEqual(await faults(other), { exchange: 0, connection: 0, upstream: 1 });
  assert.equal(await askHttp1(other), '200 ');
  assert.deepEqual([await faults(world), logged], [{ exchange: 0, connection: 0, upstream: 0 }, []]);
  await live();
});

for (const [what, prototype, method, http] of [
  ['taking a request over HTTP/1.1', Http1Serving.prototype, 'takeTurn', 1],
  ['sending an answer over HTTP/1.1', ServerResponse.prototype, 'end', 1],
  ['reading HTTP/2', Http2Session.prototype, 'receive', 2],
  ['writing HTTP/2', Http2Session.prototype, 'take', 2],
] as const) {
  test(`an unforeseen error in ${what} ends its connection as \`error\`, and nothing else`, async (t) => {
    const { world, logged, live } = await withBystanders(t);
    const client = await rawClient(world.httpPort);
    await until(async () => (await world.connections()).length === 4);
    breakOnce(t, prototype, method);
    client.socket.write(http === 1 ? 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' : 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await until(() => client.closed());
    assert.equal(await world.closes('error'), 1);
    assert.equal(logged.length, 1);
    assert.ok(Object.values(await faults(world)).includes(1), JSON.stringify(await faults(world)));
    await live();
  });
}

test('an unforeseen error in carrying bytes ends their connection alone', async (t) => {
  let isBroken = false;
  const carry: Carry = (from, to, onEnd) => {
    if (isBroken) throw new TypeError('nobody had foreseen this');
    return carrySocket(from, to, onEnd);
  };
  const { world, logged, live } = await withBystanders(t, { carry });
  isBroken = true;
  const client = await rawClient(world.tcpPort);
  await until(() => client.closed());
  assert.equal(await world.closes('error'), 1);
  assert.deepEqual(await faults(world), { exchange: 0, connection: 1, upstream: 0 });
  assert.equal(logged.length, 1);
  await live();
});

test('an unforeseen error in a timer of a request is an answer', async (t) => {
  const { world, live } = await withBystanders(t);
  world.apply(backendPolicy({ section: 'http', requestTimeoutMs: 200 }));
  breakOnce(t, ServerResponse.prototype, 'writeHead');
  const asked = request({ port: world.httpPort, path: '/silent', agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(answer.resume().statusCode, 500);
  assert.deepEqual(await faults(world), { exchange: 1, connection: 0, upstream: 0 });
  await live();
});

test('an unforeseen error in judging a connection anew ends that one alone', async (t) => {
  const { world, live } = await withBystanders(t);
  breakOnce(t, Http2Serving.prototype, 'applyHttp');
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  session.on('error', () => undefined);
  await once(session, 'close');
  assert.deepEqual(await faults(world), { exchange: 0, connection: 1, upstream: 0 });
  await live();
});

/** Which look at its descriptor throws, when a policy changes. */
for (const [what, broken] of [
  ['judging a connection to a backend anew', 1],
  ['looking whether a backend is still there', 2],
] as const) {
  test(`an unforeseen error in ${what} ends that one alone`, async (t) => {
    const { world, live } = await withBystanders(t);
    const client = await rawClient(world.tcpPort);
    await until(async () => (await world.upstreams()).length === 3);
    const { local } = (await world.upstreams()).findLast(({ protocol }) => protocol === 'tcp') ?? {};
    const { get } = Reflect;
    let looks = 0;
    t.mock.method(Reflect, 'get', (target: object, name: string) => {
      const isIt = name === '_handle' && 'localPort' in target && local?.endsWith(`:${target.localPort}`);
      if (isIt && ++looks === broken) throw new TypeError('nobody had foreseen this');
      return get(target, name);
    });
    world.apply(backendPolicy({ section: 'tcp', keepalive: { timeMs: 60_000 } }));
    await until(() => client.closed());
    assert.deepEqual(await faults(world), { exchange: 0, connection: 0, upstream: 1 });
    await live();
  });
}
