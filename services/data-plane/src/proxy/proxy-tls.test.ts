import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls';
import type { GatewayResource } from '@pulseplane/projection/gateway';
import type { CloseReason } from '../connection/close-reason.ts';
import { CERTIFICATE, PRIVATE_KEY } from '../testing/certificate.ts';
import { freePort } from '../testing/free-port.ts';
import { createWorld, GATEWAY, listening, rawClient, tcpPolicy, until, type World } from '../testing/world.ts';

/** A TLS server that says who it is and then what it is sent. */
async function backendServer(name: string): Promise<Server> {
  const options = { cert: CERTIFICATE, key: PRIVATE_KEY, ALPNProtocols: ['h2', 'http/1.1'] };
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} ${socket.alpnProtocol}\n`);
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

let world: World;
let port: number;
const servers = new Map<string, Server>();

function bind(): GatewayResource {
  return { kind: 'bind', key: `${port}/ns/gw`, port, protocol: 'tls' };
}

function listener(name: string, hostname: string): GatewayResource {
  const key = `ns/gw.${name}`;
  return {
    kind: 'listener',
    key,
    bindKey: `${port}/ns/gw`,
    gateway: GATEWAY,
    listenerName: name,
    hostname,
    protocol: 'tls',
  };
}

function backend(name: string): GatewayResource {
  const address = servers.get(name)?.address() as AddressInfo;
  return {
    kind: 'backend',
    key: `ns/${name}`,
    namespace: 'ns',
    name,
    host: '127.0.0.1',
    port: address.port,
    inlinePolicies: [],
  };
}

function route(name: string, on: string, hostnames: readonly string[], ...backends: readonly [string, number][]) {
  return {
    kind: 'tcp_route' as const,
    key: `ns/${name}.00.tls:ns/gw.${on}`,
    listenerKey: `ns/gw.${on}`,
    name: { kind: 'TLSRoute', namespace: 'ns', name },
    hostnames,
    backends: backends.map(([key, weight]) => ({ backendKey: `ns/${key}`, weight })),
  };
}

before(async () => {
  world = await createWorld();
  port = await freePort();
  for (const name of ['a', 'b', 'c', 'd']) servers.set(name, await backendServer(name));
  world.apply(
    bind(),
    listener('exact', 'a.example.com'),
    listener('wildcard', '*.example.com'),
    ...['a', 'b', 'c', 'd'].map(backend),
    route('a', 'exact', [], ['a', 1]),
    route('wide', 'wildcard', ['*.example.com'], ['b', 1], ['a', 0]),
    route('deep', 'wildcard', ['*.deep.example.com'], ['c', 1]),
    route('one', 'wildcard', ['x.deep.example.com', 'd.example.com'], ['d', 1]),
  );
  await listening(port);
});

after(async () => {
  await world.stop();
  for (const server of servers.values()) server.close();
});

/** A client that trusts the backend's certificate, and the first line that it gets. */
async function ask(options: ConnectionOptions): Promise<{ readonly socket: TLSSocket; readonly line: string }> {
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE, ...options });
  const [line] = (await once(socket, 'data')) as [Buffer];
  return { socket, line: line.toString() };
}

describe('the server name says where a connection goes', () => {
  const cases = [
    ['a.example.com', 'a'],
    ['A.EXAMPLE.com', 'a'],
    ['b.example.com', 'b'],
    ['y.deep.example.com', 'c'],
    ['x.deep.example.com', 'd'],
    ['d.example.com', 'd'],
  ] as const;
  for (const [servername, answer] of cases) {
    test(`${servername} to ${answer}`, async () => {
      const { socket, line } = await ask({ servername });
      assert.equal(line, `${answer} false\n`);
      assert.equal(socket.authorized, true);
      socket.destroy();
    });
  }
});

test('TLS ends at the backend, bytes go both ways, and the page shows the name and the keepalive of both sides', async () => {
  world.apply(tcpPolicy({ timeMs: 33_000, intervalMs: 4_000, retries: 5 }));
  const { socket, line } = await ask({ servername: 'b.example.com', ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' });
  assert.equal(line, 'b h2\n');
  socket.write('ping');
  const [echo] = (await once(socket, 'data')) as [Buffer];
  assert.equal(echo.toString(), 'ping');
  const [row] = (await world.connections()).filter(({ protocol }) => protocol === 'tls');
  assert.equal(row?.serverName, 'b.example.com');
  assert.equal(row?.listener, 'ns/gw.wildcard');
  assert.deepEqual(row?.keepalive, { enabled: true, idleSeconds: 33, intervalSeconds: 4, probes: 5, userTimeoutMs: 0 });
  assert.deepEqual(row?.policy.http, null);
  const [upstream] = (await world.upstreams()).filter(({ backend: key }) => key === 'ns/b');
  assert.equal(upstream?.route, 'TLSRoute ns/wide');
  assert.equal(upstream?.keepalive.enabled, true);
  socket.destroy();
});

describe('a connection that leads nowhere is closed', () => {
  const cases: readonly (readonly [string, ConnectionOptions, CloseReason])[] = [
    ['a name that no listener has', { servername: 'a.example.org' }, 'unknown_server_name'],
    ['no name', {}, 'unknown_server_name'],
    ['a name that no route of the listener has', { servername: 'b.listener.test' }, 'unknown_server_name'],
    ['a route without a backend that has a weight', { servername: 'a.listener.test' }, 'no_route'],
  ];
  for (const [what, options, reason] of cases) {
    test(`${what}: ${reason}`, async () => {
      world.apply(listener('lonely', '*.listener.test'), route('lonely', 'lonely', ['a.listener.test'], ['a', 0]));
      const before = await world.closes(reason);
      const socket = connect({ port, host: '127.0.0.1', ...options });
      let alert: string | undefined;
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        alert = code;
      });
      await new Promise((resolve) => socket.once('close', resolve));
      await until(async () => (await world.closes(reason)) === before + 1);
      const expected = reason === 'unknown_server_name' ? 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' : 'ECONNRESET';
      assert.equal(alert, expected);
    });
  }

  test('what is no TLS: protocol_error', async () => {
    const client = await rawClient(port);
    client.socket.write('GET / HTTP/1.1\r\nhost: a.example.com\r\n\r\n');
    await until(() => client.closed());
    assert.equal(client.received(), '');
    await until(async () => (await world.closes('protocol_error')) === 1);
  });
});

test('a client that says no name goes where every host is served', async () => {
  world.apply(listener('any', ''), route('any', 'any', [], ['c', 1]));
  const { socket, line } = await ask({ checkServerIdentity: () => undefined });
  assert.equal(line, 'c false\n');
  socket.destroy();
  world.remove(listener('any', ''), route('any', 'any', []));
});

test('a ClientHello that does not come whole is given up', async () => {
  const late = await createWorld({ limits: { clientHelloMs: 200 } });
  try {
    const tls = await freePort();
    late.apply({ kind: 'bind', key: `${tls}/ns/gw`, port: tls, protocol: 'tls' });
    await listening(tls);
    const clients = [await rawClient(tls), await rawClient(tls)];
    clients[0]?.socket.write(Buffer.from([22, 3, 1, 1, 0, 1]));
    await until(() => clients.every((client) => client.closed()));
    assert.equal(await late.closes('first_byte_timeout'), 2);
  } finally {
    await late.stop();
  }
});

test('a listener that goes takes its own connections along, and no others', async () => {
  const kept = await ask({ servername: 'a.example.com' });
  const gone = await ask({ servername: 'b.example.com' });
  world.remove(listener('wildcard', '*.example.com'));
  await once(gone.socket, 'close');
  assert.equal(await world.closes('listener_removed'), 1);
  kept.socket.write('still');
  const [echo] = (await once(kept.socket, 'data')) as [Buffer];
  assert.equal(echo.toString(), 'still');
  kept.socket.destroy();
  // Nothing else on the port was disturbed.
  const again = connectTcp(port, '127.0.0.1');
  await once(again, 'connect');
  again.destroy();
});
