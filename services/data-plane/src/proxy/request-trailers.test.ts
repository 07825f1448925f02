import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { backendPolicy, createWorld, portResources, rawClient, until, type World } from '../testing/world.ts';

/** What a backend saw of one request. */
type Seen = { readonly body: string; readonly announced: string | undefined; readonly trailers: readonly string[] };

const ALLOWED = ['x-sum', '42', 'x-sum', '43', 'grpc-something', 'a b'];
const REFUSED = [
  ...['host', 'b', 'content-type', 'a/b', 'authorization', 'x', 'x-forwarded-for', '1.2.3.4', 'cookie', 'a=b'],
  ...['expect', '100-continue', 'trailer', 'x', 'range', 'bytes=0-1', 'forwarded', 'for=1.2.3.4'],
];

let world: World;
let seen: Seen[] = [];

before(async () => {
  world = await createWorld({
    onRequest(request, response) {
      let body = '';
      request.setEncoding('latin1').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push({ body, announced: request.headers['trailer'], trailers: request.rawTrailers });
        response.end('served\n');
      });
    },
  });
});

after(() => world.stop());

function lines(flat: readonly string[]): string {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${flat[index + 1]}\r\n`] : [])).join('');
}

async function http1(...chunks: readonly string[]): Promise<void> {
  const client = await rawClient(world.httpPort);
  for (const chunk of chunks) client.socket.write(chunk);
  await until(() => client.received().includes('served'));
  client.socket.destroy();
}

async function http2Post(trailers: http2.OutgoingHttpHeaders, body = 'body'): Promise<void> {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  assert.equal(text, 'served\n');
  client.destroy();
}

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';

test('HTTP/1.1 to HTTP/1.1: trailers that may be some arrive, with what announces them; others are left out', async () => {
  seen = [];
  await http1(`${HEAD}Trailer: X-Sum, Content-Length\r\n\r\n4\r\nbody\r\n0\r\n${lines([...REFUSED, ...ALLOWED])}\r\n`);
  await http1(`${HEAD}\r\n4\r\nnone\r\n0\r\n\r\n`);
  await http1(`${HEAD}Connection: X-Own\r\n\r\n3\r\nown\r\n0\r\n${lines(['X-Own', '1', 'X-Sum', '2'])}\r\n`);
  assert.deepEqual(seen, [
    { body: 'body', announced: 'X-Sum', trailers: ALLOWED },
    { body: 'none', announced: undefined, trailers: [] },
    { body: 'own', announced: undefined, trailers: ['x-sum', '2'] },
  ]);
});

test('HTTP/2 to HTTP/1.1: trailers arrive, and the next request on the pooled connection has none of them', async () => {
  seen = [];
  await http2Post({ 'x-sum': ['42', '43'], authorization: 'x', 'x-forwarded-for': '1.2.3.4' }, 'x'.repeat(300_000));
  await http2Post({});
  assert.deepEqual(
    seen.map(({ trailers }) => trailers),
    [['x-sum', '42', 'x-sum', '43'], []],
  );
  assert.equal(seen[0]?.body.length, 300_000);
});

test('a body that looks like the end of one stays a body', async () => {
  seen = [];
  const body = '\r\n0\r\n\r\n';
  await http2Post({ 'x-sum': '1' }, body);
  assert.deepEqual(seen, [{ body, announced: undefined, trailers: ['x-sum', '1'] }]);
});

test('a body of known length has no trailers over HTTP/1.1', async () => {
  seen = [];
  await http1('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTrailer: x-sum\r\n\r\nbody');
  assert.deepEqual(seen[0]?.trailers, []);
});

test('to an HTTP/2 backend: trailers arrive from both versions of HTTP', async (context) => {
  seen = [];
  const server = http2.createServer();
  server.on('stream', (stream) => {
    let body = '';
    let trailers: readonly string[] = [];
    stream.on('trailers', (_headers, _flags, raw?: readonly string[]) => {
      trailers = raw ?? [];
    });
    stream.setEncoding('latin1').on('data', (chunk: string) => {
      body += chunk;
    });
    stream.on('end', () => {
      if (stream.destroyed || stream.closed) return;
      seen.push({ body, announced: undefined, trailers });
      stream.respond({ ':status': 200 });
      stream.end('served\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const policy = backendPolicy({ section: 'http', version: 'http2' });
  world.apply(...portResources('http', world.httpPort, (server.address() as AddressInfo).port), policy);
  await http2Post({ 'x-sum': '42', cookie: 'a=b' });
  await http1(`${HEAD}\r\n4\r\nbody\r\n0\r\n${lines([...REFUSED, 'X-Sum', '42'])}\r\n`);
  await http2Post({});
  // Node's HTTP/2 takes an etag once.
  const client = await rawClient(world.httpPort);
  client.socket.write(`${HEAD}\r\n3\r\ntwo\r\n0\r\n${lines(['ETag', '1', 'ETag', '2'])}\r\n`);
  await until(() => client.received().startsWith('HTTP/1.1 400 '));
  client.socket.destroy();
  assert.deepEqual(
    seen.map(({ body, trailers }) => [body, trailers]),
    [
      ['body', ['x-sum', '42']],
      ['body', ['x-sum', '42']],
      ['body', []],
    ],
  );
  world.remove(policy);
  world.apply(...portResources('http', world.httpPort, world.upstreamPorts.http));
});

test('more trailers than headers may be are not read on and on', async () => {
  seen = [];
  const client = await rawClient(world.httpPort);
  client.socket.write(`${HEAD}\r\n4\r\nbody\r\n0\r\n`);
  const line = `x-long: ${'y'.repeat(1_000)}\r\n`;
  for (let n = 0; n < 200 && !client.closed(); n += 1) client.socket.write(line);
  await until(() => client.closed());
  assert.deepEqual(seen, []);
});
