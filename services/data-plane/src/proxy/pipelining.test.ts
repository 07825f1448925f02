import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

let world: World;
const seen: string[] = [];
let open = 0;
let aborted = 0;

before(async () => {
  world = await createWorld({ onRequest });
});

after(() => world.stop());

function onRequest(incoming: IncomingMessage, response: ServerResponse): void {
  const { url = '' } = incoming;
  seen.push(url);
  open += 1;
  response.once('close', () => {
    open -= 1;
    if (!response.writableFinished) aborted += 1;
  });
  if (url === '/never') return;
  if (url === '/slow') setTimeout(() => response.end('slow\n'), 300);
  else incoming.resume().once('end', () => response.end(`${url}\n`));
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('pipelined requests are forwarded one after the other and answered in order, bodies included', async () => {
  seen.length = 0;
  const client = await rawClient(world.httpPort);
  const post = 'POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody';
  client.socket.write(get('/slow') + post + get('/2') + post + get('/3'));
  await until(() => seen.length > 0);
  await sleep(50);
  assert.deepEqual(seen, ['/slow']);
  await until(() => client.received().includes('/3\n'));
  assert.deepEqual(seen, ['/slow', '/post', '/2', '/post', '/3']);
  assert.match(client.received(), /slow\n[\s\S]*\/post\n[\s\S]*\/2\n[\s\S]*\/post\n[\s\S]*\/3\n/);
  client.socket.destroy();
});

test('3,000 requests at once open one connection upstream at most and end as protocol_error', async () => {
  const before = await world.closes('protocol_error');
  seen.length = 0;
  const client = await rawClient(world.httpPort);
  client.socket.write(get('/never').repeat(3_000));
  await until(() => client.closed());
  await until(async () => (await world.closes('protocol_error')) === before + 1);
  await until(() => open === 0);
  assert.ok(seen.length <= 1, `${seen.length} requests reached the upstream`);
});

test('as many as may wait are all answered', async () => {
  const client = await rawClient(world.httpPort);
  client.socket.write(get('/one').repeat(65));
  await until(() => client.received().split('/one\n').length === 66);
  client.socket.destroy();
});

test('a client that goes takes the request under way and the waiting ones along', async () => {
  seen.length = 0;
  const before = aborted;
  const client = await rawClient(world.httpPort);
  client.socket.write(get('/never').repeat(20));
  await until(() => open === 1);
  client.socket.destroy();
  await until(() => aborted === before + 1);
  await sleep(100);
  assert.deepEqual(seen, ['/never']);
  assert.equal(open, 0);
});

test('a client that ends its side has gone: the request under way is aborted', async () => {
  const before = aborted;
  const client = await rawClient(world.httpPort);
  client.socket.end(get('/never'));
  await until(() => aborted === before + 1);
  await until(() => client.closed());
  assert.equal(client.received(), '');
});

test('a refused request is answered in its turn, and what follows it is dropped', async () => {
  seen.length = 0;
  const client = await rawClient(world.httpPort);
  client.socket.write(`${get('/slow')}GET /bad HTTP/1.1\r\n\r\n${get('/after')}`);
  await until(() => client.closed());
  assert.match(client.received(), /200 OK[\s\S]*slow\n[\s\S]*400 Bad Request[\s\S]*no host\n$/);
  assert.deepEqual(seen, ['/slow']);
});
