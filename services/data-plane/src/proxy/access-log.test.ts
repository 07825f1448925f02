import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

type Line = Readonly<Record<string, unknown>>;

let world: World;
const lines: Line[] = [];

before(async () => {
  const onLine = (fields: object, message: string) => void lines.push({ ...fields, message });
  world = await createWorld({
    accessLog: true,
    logger: { debug: () => undefined, info: onLine, warn: onLine, error: onLine },
    onRequest(request, response) {
      if (request.url === '/never') return;
      response.statusCode = 201;
      response.end('hello\n');
    },
  });
});

after(() => world.stop());

const requests = () => lines.filter(({ message }) => message === 'request');

test('each request is one line when it is over, over both versions, also one that goes nowhere or is not awaited', async () => {
  const one = await rawClient(world.httpPort);
  one.socket.write('GET /a?token=secret HTTP/1.1\r\nHost: a.example\r\n\r\n');
  await until(() => one.received().includes('hello'));
  one.socket.write('GET /b HTTP/1.1\r\n\r\n');
  await until(() => one.closed());
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  client.request({ ':path': '/c', ':method': 'PUT', ':authority': 'a.example' }).resume().end();
  await until(() => requests().length === 3);
  client.request({ ':path': '/never', ':authority': 'a.example' });
  await until(async () => (await world.upstreams()).some((row) => row.requests === 1));
  client.destroy();
  await until(() => requests().length === 4);

  const common = { listener: 'httpbin/agentgateway-proxy.http', host: 'a.example' };
  const routed = { ...common, route: 'HTTPRoute httpbin/http', backend: 'httpbin/http-upstream' };
  for (const [index, expected] of [
    { ...routed, protocol: 'http1', method: 'GET', path: '/a', status: 201, isWhole: true },
    { protocol: 'http1', method: 'GET', path: '/b', route: undefined, status: 400, isWhole: true },
    { ...routed, protocol: 'http2', method: 'PUT', path: '/c', status: 201, isWhole: true },
    { ...routed, protocol: 'http2', method: 'GET', path: '/never', status: undefined, isWhole: false },
  ].entries()) {
    const line = requests()[index] ?? {};
    assert.deepEqual({ ...line, ...expected }, line);
    assert.match(String(line['connection']), /^\d+$/);
    assert.ok(Number(line['durationMs']) >= 0);
  }
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});

test('an expectation that is not known is refused in its turn, and logged', async () => {
  const before = requests().length;
  const client = await rawClient(world.httpPort);
  client.socket.write('GET /d HTTP/1.1\r\nHost: a\r\n\r\nGET /e HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n\r\n');
  await until(() => client.closed());
  assert.match(client.received(), /201 Created[\s\S]*hello\n[\s\S]*417 Expectation Failed[\s\S]*is not known\n$/);
  await until(() => requests().length === before + 2);
  const { path, status, route } = requests().at(-1) ?? {};
  assert.deepEqual([path, status, route], ['/e', 417, undefined]);
});

test('each connection is one line too, with its bytes', async () => {
  const raw = await rawClient(world.tcpPort);
  raw.socket.write('x'.repeat(1_000));
  await until(() => raw.received().length === 1_000);
  const peer = `127.0.0.1:${raw.socket.localPort}`;
  raw.socket.destroy();
  const closed = () => lines.find((line) => line['message'] === 'connection closed' && line['peer'] === peer);
  await until(() => closed() !== undefined);
  assert.deepEqual([closed()?.['bytesIn'], closed()?.['bytesOut']], [1_000, 1_000]);
});
