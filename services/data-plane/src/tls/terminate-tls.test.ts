import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Certificate, GatewayResource, Listener, TlsSettings } from '@pulseplane/projection/gateway';
import { selfSigned } from '@pulseplane/projection/testing';
import { freePort } from '../testing/free-port.ts';
import {
  createWorld,
  GATEWAY,
  httpPolicy,
  listening,
  proxyPolicy,
  tcpPolicy,
  tlsPolicy,
  until,
  type World,
} from '../testing/world.ts';

const A = selfSigned(['a.example']);
const WILDCARD = selfSigned(['*.example', 'default.test']);
const RSA = selfSigned(['a.example'], 'rsa');

let world: World;
let port: number;

const bindKey = () => `${port}/${GATEWAY.namespace}/${GATEWAY.name}`;

function listener(name: string, protocol: 'https' | 'tls', hostname: string, certificates: readonly Certificate[]) {
  const resource: Listener = {
    kind: 'listener',
    key: `${GATEWAY.namespace}/${GATEWAY.name}.${name}`,
    bindKey: bindKey(),
    gateway: GATEWAY,
    listenerName: name,
    hostname,
    protocol,
    tls: { certificates },
  };
  return resource;
}

/** An HTTPS listener for everybody, one for b.example, and one that ends TLS in front of TCP. */
function resources(): readonly GatewayResource[] {
  const http = (name: string): GatewayResource => ({
    kind: 'route',
    key: `${GATEWAY.namespace}/${name}-route`,
    listenerKey: `${GATEWAY.namespace}/${GATEWAY.name}.${name}`,
    name: { kind: 'HTTPRoute', namespace: GATEWAY.namespace, name },
    hostnames: [],
    matches: [{ path: { type: 'prefix', value: '/' }, headers: [] }],
    backends: [{ backendKey: `${GATEWAY.namespace}/http-upstream`, weight: 1 }],
  });
  return [
    { kind: 'bind', key: bindKey(), port, protocol: 'tls' },
    listener('web', 'https', '', [WILDCARD, A, RSA]),
    listener('b', 'https', 'b.example', [WILDCARD]),
    listener('raw', 'tls', 'raw.example', [WILDCARD]),
    http('web'),
    http('b'),
    {
      kind: 'tcp_route',
      key: `${GATEWAY.namespace}/raw-route`,
      listenerKey: `${GATEWAY.namespace}/${GATEWAY.name}.raw`,
      name: { kind: 'TCPRoute', namespace: GATEWAY.namespace, name: 'raw' },
      hostnames: [],
      backends: [{ backendKey: `${GATEWAY.namespace}/tcp-upstream`, weight: 1 }],
    },
  ];
}

before(async () => {
  world = await createWorld({ limits: { requestHeadMs: 300 } });
  port = await freePort();
});

beforeEach(async () => {
  world.remove(tlsPolicy({}), httpPolicy({}), tcpPolicy({}));
  assert.deepEqual(world.apply(...resources()), []);
  await listening(port);
  await until(async () => (await world.connections()).length === 0);
});

after(() => world.stop());

type Options = Omit<ConnectionOptions, 'checkServerIdentity'>;

/** A handshake that trusts the certificates above. */
async function secure(servername: string, options: Options = {}): Promise<TLSSocket> {
  const ca = [A, WILDCARD, RSA].map(({ chain }) => chain);
  const own = { port, host: '127.0.0.1', servername, allowHalfOpen: true, checkServerIdentity: () => undefined };
  const socket = connect({ ca, ...options, ...own });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

async function refused(servername: string, options: Options = {}): Promise<string> {
  return secure(servername, options).then(
    (socket) => assert.fail(`a handshake in ${socket.getProtocol()}`),
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

async function text(socket: TLSSocket, wanted: RegExp): Promise<string> {
  let seen = '';
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
  });
  await until(() => wanted.test(seen));
  return seen;
}

async function http2(servername: string): Promise<ClientHttp2Session> {
  const socket = await secure(servername, { ALPNProtocols: ['h2'] });
  const session = connectHttp2(`https://${servername}`, { createConnection: () => socket });
  session.on('error', () => undefined);
  return session;
}

async function status(session: ClientHttp2Session, authority: string): Promise<number> {
  const stream = session.request({ ':path': '/', ':authority': authority });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  stream.resume();
  await once(stream, 'end');
  return headers[':status'];
}

test('the certificate follows the server name: exact, wildcard, or the first; and the key that the client can use', async () => {
  const shown = async (servername: string, options: Options = {}) => {
    const socket = await secure(servername, options);
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    const pem = raw.toString('base64');
    return [A, WILDCARD, RSA].findIndex(({ chain }) => chain.replaceAll('\n', '').includes(pem));
  };
  assert.deepEqual(
    [
      await shown('a.example', { sigalgs: 'ecdsa_secp256r1_sha256' }),
      await shown('A.EXAMPLE', { sigalgs: 'rsa_pss_rsae_sha256' }),
      await shown('other.example'),
      await shown('nobody.test'),
      await shown(''),
    ],
    [0, 2, 1, 1, 1],
  );
});

test('HTTP/1.1 and HTTP/2 by ALPN, HTTP/1.1 without it, and the connections page has the handshake', async () => {
  const one = await secure('a.example', { ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2' });
  one.write('GET / HTTP/1.1\r\nhost: a.example\r\n\r\n');
  await text(one, /hello/);
  const none = await secure('a.example');
  none.write('GET / HTTP/1.1\r\nhost: a.example\r\n\r\n');
  await text(none, /hello/);
  const two = await http2('a.example');
  assert.equal(await status(two, 'a.example'), 200);
  const rows = await world.connections();
  assert.deepEqual(
    rows.map(({ protocol, serverName, tls, listener }) => [protocol, serverName, tls?.version, tls?.alpn, listener]),
    [
      ['http1', 'a.example', 'TLSv1.2', 'http/1.1', 'httpbin/agentgateway-proxy.web'],
      ['http1', 'a.example', 'TLSv1.3', null, 'httpbin/agentgateway-proxy.web'],
      ['http2', 'a.example', 'TLSv1.3', 'h2', 'httpbin/agentgateway-proxy.web'],
    ],
  );
  assert.equal(rows[2]?.tls?.cipher, 'TLS_AES_256_GCM_SHA384');
  for (const [query, count] of [
    ['tls=true', 3],
    ['tls=false', 0],
    ['tls=true&tls=false', 3],
    ['tls.version=TLSv1.2', 1],
    ['tls.version=TLSv1.3&tls.alpn=h2', 1],
    ['tls.cipher=TLS_AES_256_GCM_SHA384', 2],
  ] as const) {
    const page = (await (await world.admin(`/connections?${query}`)).json()) as { connections: readonly object[] };
    assert.equal(page.connections.length, count, query);
  }
  two.close();
  one.destroy();
  none.destroy();
});

test('a client that has chosen HTTP/2 and sends a part of its preface is closed in time', async () => {
  const socket = await secure('a.example', { ALPNProtocols: ['h2'] });
  socket.write('PRI * HTTP/2.0\r\n');
  socket.resume();
  await until(() => socket.readableEnded);
  socket.destroy();
  await until(async () => (await world.closes('first_byte_timeout')) === 1);
});

test('a connection belongs to the listener of its server name: a host of another one is misdirected', async () => {
  const session = await http2('a.example');
  assert.deepEqual([await status(session, 'a.example'), await status(session, 'b.example')], [200, 421]);
  session.close();
  const other = await http2('b.example');
  assert.deepEqual([await status(other, 'b.example'), await status(other, 'a.example')], [200, 421]);
  other.close();
});

test('a TLS listener that ends TLS carries TCP both ways, and the end of each direction by itself', async () => {
  const socket = await secure('raw.example');
  const answered = text(socket, /ping.*pong/s);
  socket.write('ping');
  socket.end('pong');
  await Promise.all([answered, once(socket, 'end')]);
  await until(async () => (await world.connections()).length === 0);
});

test('versions, cipher suites, groups and ALPN of a policy hold for the next handshake', async () => {
  const negotiated = async (settings: TlsSettings, options: Options = {}) => {
    assert.deepEqual(world.apply(tlsPolicy(settings)), []);
    const socket = await secure('a.example', options);
    const found = [socket.getProtocol(), socket.getCipher().standardName, socket.alpnProtocol || ''];
    socket.destroy();
    return found;
  };
  assert.equal((await negotiated({ maxVersion: '1.2' }))[0], 'TLSv1.2');
  assert.match(await refused('a.example', { minVersion: 'TLSv1.3' }), /ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION/);
  assert.equal((await negotiated({ minVersion: '1.3' }))[0], 'TLSv1.3');
  assert.match(await refused('a.example', { maxVersion: 'TLSv1.2' }), /ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION/);
  assert.deepEqual(await negotiated({ cipherSuites: ['TLS13_CHACHA20_POLY1305_SHA256'] }), [
    'TLSv1.3',
    'TLS_CHACHA20_POLY1305_SHA256',
    '',
  ]);
  const [version, suite] = await negotiated({ cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'] });
  assert.deepEqual([version, suite], ['TLSv1.2', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256']);
  assert.deepEqual(
    (await negotiated({ alpnProtocols: ['http/1.1'] }, { ALPNProtocols: ['h2', 'http/1.1'] }))[2],
    'http/1.1',
  );
  await negotiated({ keyExchangeGroups: ['P-384'] }, { ecdhCurve: 'P-384' });
  assert.match(await refused('a.example', { ecdhCurve: 'P-256' }), /HANDSHAKE_FAILURE/);
});

test('a handshake that fails or does not end in time closes the connection for a reason of its own', async () => {
  const before = { failed: await world.closes('tls_handshake'), late: await world.closes('handshake_timeout') };
  assert.match(await refused('a.example', { ALPNProtocols: ['unknown'] }), /NO_APPLICATION_PROTOCOL/);
  await until(async () => (await world.closes('tls_handshake')) === before.failed + 1);
  assert.deepEqual(world.apply(tlsPolicy({ handshakeTimeoutMs: 300 })), []);
  const slow = connectTcp({ port, host: '127.0.0.1' });
  slow.on('error', () => undefined);
  slow.write(await clientHello('a.example'));
  slow.resume();
  await once(slow, 'close');
  await until(async () => (await world.closes('handshake_timeout')) === before.late + 1);
});

/** As a real client sends it. */
async function clientHello(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}

test('a new certificate serves the next handshake, and closes nothing', async () => {
  const open = await http2('b.example');
  assert.equal(await status(open, 'b.example'), 200);
  const renewed = selfSigned(['b.example']);
  assert.deepEqual(world.apply(listener('b', 'https', 'b.example', [renewed])), []);
  const socket = await secure('b.example', { ca: renewed.chain });
  socket.destroy();
  assert.equal(await status(open, 'b.example'), 200);
  world.remove(listener('b', 'https', 'b.example', [renewed]));
  await once(open, 'close');
  await until(async () => (await world.closes('listener_removed')) === 1);
});

test('keepalive of policies on connections of TLS: socket options, PINGs, the longest life', async () => {
  const session = await http2('a.example');
  assert.equal(await status(session, 'a.example'), 200);
  world.apply(tcpPolicy({ timeMs: 31_000, intervalMs: 6_000, retries: 4 }));
  await until(async () => (await world.connections())[0]?.keepalive.idleSeconds === 31);
  let pings = 0;
  session.on('ping', () => {
    pings += 1;
  });
  world.apply(httpPolicy({ http2KeepaliveIntervalMs: 100 }));
  await until(() => pings > 1);
  await until(async () => ((await world.connections())[0]?.lastPingRttMs ?? 0) > 0);
  const goaway = once(session, 'goaway');
  world.apply(httpPolicy({ maxConnectionDurationMs: 1 }));
  // The first of two, which refuses nothing (RFC 9113, section 6.8).
  assert.equal((await goaway)[1], 2 ** 31 - 1);
  await once(session, 'close');
  await until(async () => (await world.closes('max_duration')) === 1);
  world.apply(httpPolicy({ http1IdleTimeoutMs: 200 }));
  const idle = await secure('a.example', { ALPNProtocols: ['http/1.1'] });
  idle.resume();
  await once(idle, 'end');
  idle.destroy();
  await until(async () => (await world.closes('idle_timeout')) === 1);
});

test('a PROXY header before the handshake says who the client is', async () => {
  const policy = proxyPolicy('strict', 'v1');
  assert.deepEqual(world.apply(policy), []);
  const raw = connectTcp({ port, host: '127.0.0.1' });
  raw.write('PROXY TCP4 192.0.2.8 198.51.100.1 4242 443\r\n');
  const socket = await secure('a.example', { socket: raw, ALPNProtocols: ['http/1.1'] });
  socket.write('GET / HTTP/1.1\r\nhost: a.example\r\n\r\n');
  await text(socket, /hello/);
  const [row] = await world.connections();
  assert.deepEqual([row?.peer, row?.tls?.alpn], ['192.0.2.8:4242', 'http/1.1']);
  socket.destroy();
  world.remove(policy);
});

test('settings that leave no way to shake hands are refused', () => {
  const cases: readonly (readonly [TlsSettings, RegExp])[] = [
    [
      { minVersion: '1.3', maxVersion: '1.2' },
      /^tls\.minVersion 1\.3 is newer than what maxVersion and cipherSuites allow$/,
    ],
    [{ minVersion: '1.3', cipherSuites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'] }, /^tls\.minVersion 1\.3 is newer/],
    [
      { maxVersion: '1.2', cipherSuites: ['TLS13_AES_128_GCM_SHA256'] },
      /^tls\.cipherSuites has none for maxVersion 1\.2$/,
    ],
    [{ handshakeTimeoutMs: 0 }, /^handshakeTimeoutMs/],
  ];
  for (const [tls, error] of cases) assert.match(world.apply(tlsPolicy(tls))[0]?.error ?? 'taken', error);
});

test('what does not fit is refused as a resource, without a word of the key', async () => {
  const broken: Certificate = { chain: A.chain, key: WILDCARD.key };
  const [reject] = world.apply(listener('b', 'https', 'b.example', [broken]));
  assert.match(reject?.error ?? '', /^tls\.certificates: .*key values mismatch/);
  const shown = await (await world.admin('/config_dump')).text();
  const secret = A.key.reveal().split('\n')[1] ?? '';
  assert.ok(!shown.includes(secret) && !shown.includes('PRIVATE KEY'));
  assert.match(shown, /"fingerprint256"/);
});
