import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { constants, createDeflate } from 'node:zlib';
import { WebSocket } from 'ws';
import { ClusterView } from '../cluster-view/cluster-view.ts';
import { createFixture } from '../testing/api-fixture.ts';
import { listen } from '../testing/stream-client.ts';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';
import { dataFrame, readFrames, type SpdyFrame } from './spdy-frames.ts';

const PATH = '/api/v1/namespaces/agentgateway-system/pods/one/portforward';
const SPDY = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'portforward.k8s.io' };
const WEBSOCKET = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io',
};

/** A listening API with one worker, whose admin port sends back what it gets; stopping it is part of each test. */
async function setUp(context: TestContext) {
  const now = (): Date => new Date();
  const gateway = { namespace: 'httpbin', name: 'agentgateway-proxy' };
  const node = { id: 'one', role: 'httpbin~agentgateway-proxy' };
  const clusterView = new ClusterView({
    workers: () => [{ node, gateway, peer: '127.0.0.1:1', since: new Date(0), configured: true }],
    onWorkers: () => () => undefined,
    now,
  });
  const admin = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  admin.listen(0, '127.0.0.1');
  await once(admin, 'listening');
  const fixture = await createFixture({
    clusterView,
    openToWorker: async (worker, asked) => {
      assert.deepEqual([worker, asked], [node, { kind: 'admin' }]);
      const socket = connect({ port: (admin.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return { kind: 'open', stream: socket };
    },
  });
  const port = Number(new URL(await listen(fixture.app)).port);
  context.after(async () => {
    await fixture.app.close();
    admin.close();
  });
  const request = async (path: string, headers: Record<string, string>, method = 'POST', body = '') => {
    const socket = connect(port, '127.0.0.1');
    context.after(() => socket.destroy());
    const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    let head = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      head += String(chunk);
      if (head.includes('\r\n\r\n')) break;
    }
    return { socket, head };
  };
  return { ...fixture, request };
}

/** A client's end of SPDY: what it opens, and the frames that it gets. */
function spdyClient(socket: Socket) {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  const frames = readFrames(socket);
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  return {
    open: async (id: number, headers: Record<string, string>) => {
      const entries = Object.entries(headers).flat();
      const list = entries.flatMap((text) => [number(text.length), Buffer.from(text)]);
      deflate.write(Buffer.concat([number(entries.length / 2), ...list]));
      const [block] = (await once(deflate, 'data')) as [Buffer];
      const head = Buffer.alloc(18);
      head.writeUInt32BE(0x80030001, 0);
      head.writeUIntBE(10 + block.length, 5, 3);
      head.writeUInt32BE(id, 8);
      socket.write(Buffer.concat([head, block]));
    },
    send: (id: number, data: Buffer | string, fin = false) => void socket.write(dataFrame(id, Buffer.from(data), fin)),
    /** Until both streams have ended: what came on each, with RST for one that was broken off. */
    rest: async (): Promise<Record<number, string>> => {
      const said: Record<number, string> = {};
      let ended = 0;
      while (ended < 2) {
        const { value } = (await frames.next()) as { readonly value: SpdyFrame | undefined };
        if (value === undefined) break;
        if (value.kind === 'data') said[value.stream] = (said[value.stream] ?? '') + value.data.toString();
        if (value.kind === 'rst-stream') said[value.stream] = `${said[value.stream] ?? ''}RST`;
        if (value.kind === 'rst-stream' || (value.kind === 'data' && value.fin)) ended += 1;
      }
      return said;
    },
  };
}

test('a connection is forwarded to the admin port, and both of its streams end', async (context) => {
  const { request } = await setUp(context);
  const { socket, head } = await request(PATH, SPDY);
  assert.match(head, /^HTTP\/1\.1 101 .*X-Stream-Protocol-Version: portforward\.k8s\.io/s);
  const { open, send, rest } = spdyClient(socket);
  await open(1, { streamtype: 'error', port: '15000', requestid: '0' });
  await open(3, { streamtype: 'data', port: '15000', requestid: '0' });
  const text = 'x'.repeat(300_000);
  send(3, text.slice(0, 200_000));
  send(3, text.slice(200_000), true);
  assert.deepEqual(await rest(), { 1: '', 3: text });
});

test('no other port of a worker can be reached', async (context) => {
  const { request } = await setUp(context);
  const { open, rest } = spdyClient((await request(PATH, SPDY)).socket);
  await open(1, { streamtype: 'error', port: '3000', requestid: '0' });
  await open(3, { streamtype: 'data', port: '3000', requestid: '0' });
  assert.deepEqual(await rest(), {
    1: 'only port 15000 (admin) of a worker can be forwarded, not 3000',
    3: 'RST',
  });
});

test('a websocket is answered with the subprotocol of kubectl', async (context) => {
  const { request } = await setUp(context);
  const { head } = await request(PATH, WEBSOCKET, 'GET');
  assert.match(head, /^HTTP\/1\.1 101 .*Sec-WebSocket-Protocol: SPDY\/3\.1\+portforward\.k8s\.io/s);
});

test('the channels of client libraries carry a connection to each port, and say what cannot be forwarded', async (context) => {
  const { app } = await setUp(context);
  const { port } = app.server.address() as AddressInfo;
  const open = (query: string) =>
    new WebSocket(`ws://127.0.0.1:${port}${PATH}?${query}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  const client = open('ports=15000&ports=3000');
  const said = new Map<number, Buffer>();
  client.on('message', (message: Buffer) => {
    const channel = message[0] ?? -1;
    said.set(channel, Buffer.concat([said.get(channel) ?? Buffer.alloc(0), message.subarray(1)]));
    if (said.get(0)?.length === 2 + 300_000) client.close();
  });
  await once(client, 'open');
  assert.equal(client.protocol, 'v4.channel.k8s.io');
  const text = Buffer.alloc(100_000, 'x');
  for (let part = 0; part < 3; part += 1) client.send(Buffer.concat([Buffer.of(0), text]));
  await once(client, 'close');
  assert.equal(said.get(0)?.readUInt16LE(), 15_000);
  assert.deepEqual(said.get(0)?.subarray(2), Buffer.concat([text, text, text]));
  assert.equal(said.get(1)?.length, 2);
  assert.equal(said.get(3)?.subarray(2).toString(), 'only port 15000 (admin) of a worker can be forwarded, not 3000');
  // All that was asked for has ended, so the server ends too.
  const refused = open('ports=3000');
  await once(refused, 'close');
  for (const query of ['', 'ports=x', 'ports=0', 'ports=15000,,1', `ports=${'1,'.repeat(20)}1`]) {
    const [error] = (await once(open(query), 'error')) as [Error];
    assert.match(error.message, /400/, query);
  }
});

test('what is not in order is refused before anything is upgraded', async (context) => {
  const { request } = await setUp(context);
  for (const form of [SPDY, WEBSOCKET]) {
    const code = async (more: Record<string, string>, path = PATH) =>
      (await request(path, { ...form, ...more })).head.slice(9, 12);
    assert.equal(await code({ Host: 'evil.example' }), '403');
    assert.equal(await code({ Origin: 'http://evil.example' }), '403');
    assert.equal(await code({}, PATH.replace('/one/', '/none/')), '404');
    assert.equal(await code({ 'Sec-WebSocket-Protocol': 'v4', 'X-Stream-Protocol-Version': 'v4' }), '400');
    assert.equal(await code({ Upgrade: 'h2c' }), '400');
  }
  assert.match((await request(PATH, {})).head, /^HTTP\/1\.1 400 /);
});

test('an upgrade that nobody can serve is ignored: the request is answered, its body read', async (context) => {
  const { request, log } = await setUp(context);
  const h2c = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };
  assert.match((await request('/version', h2c, 'GET')).head, /^HTTP\/1\.1 200 /);
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'java' } });
  const more = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
  assert.match((await request('/api/v1/namespaces', { ...h2c, ...more }, 'POST', body)).head, /^HTTP\/1\.1 201 /);
  assert.ok(log.object({ group: '', kind: 'Namespace', namespace: '', name: 'java' }));
});

test('nonsense ends the connection, and only that', async (context) => {
  const { request } = await setUp(context);
  const bomb = Buffer.alloc(18 + 40_000);
  bomb.writeUInt32BE(0x80030001, 0);
  bomb.writeUIntBE(10 + 40_000, 5, 3);
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(8, 0xff), bomb]) {
    const { socket } = await request(PATH, SPDY);
    socket.resume();
    socket.on('error', () => undefined);
    socket.write(bytes);
    if (!socket.closed) await once(socket, 'close');
  }
  assert.match((await request(PATH, SPDY)).head, /^HTTP\/1\.1 101 /);
});

test('the server can stop while connections are forwarded', async (context) => {
  const { request, app } = await setUp(context);
  const sockets = [(await request(PATH, SPDY)).socket, (await request(PATH, WEBSOCKET, 'GET')).socket];
  const closed = sockets.map((socket) => {
    socket.resume();
    socket.on('error', () => undefined);
    return once(socket, 'close');
  });
  await app.close();
  await Promise.all(closed);
});
