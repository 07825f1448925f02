import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Certificate } from '@pulseplane/projection/gateway';
import { selfSigned } from '@pulseplane/projection/testing';
import { call, write } from '../system/rest-call.ts';
import { eventually, type RunningSystem, startSystem } from '../system/running-system.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const GATEWAY = `apis/${GATEWAY_API}/v1/namespaces/httpbin/gateways/agentgateway-proxy`;
const SECRETS = 'api/v1/namespaces/httpbin/secrets';
const POLICIES = 'apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';
const HOST = 'a.example.com';

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };
type Conditions = { readonly conditions: readonly Condition[] };
type Row = {
  readonly listener: string;
  readonly protocol: string;
  readonly serverName: string | null;
  readonly tls: { readonly version: string; readonly alpn: string | null } | null;
  readonly keepalive: { readonly idleSeconds: number };
};

const first = selfSigned([HOST]);
const wild = selfSigned(['*.example.com'], 'rsa');
const renewed = selfSigned([HOST]);

let system: RunningSystem;
let port: number;

before(async () => {
  system = await startSystem();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  await new Promise((resolve) => server.close(resolve));
});

after(() => system[Symbol.asyncDispose]());

function secret(name: string, chain: string, key: string): object {
  const stringData = { 'tls.crt': chain, 'tls.key': key };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'httpbin' },
    type: 'kubernetes.io/tls',
    stringData,
  };
}

function pairOf(name: string, { chain, key }: Certificate): object {
  return secret(name, chain, key.reveal());
}

/** A step of a JSON patch. */
function listener(name: string, protocol: 'HTTPS' | 'TLS', hostname: string, names: readonly string[]): object {
  const tls = { mode: 'Terminate', certificateRefs: names.map((one) => ({ name: one })) };
  return { op: 'add', path: '/spec/listeners/-', value: { name, port, protocol, hostname, tls } };
}

function route(kind: 'HTTPRoute' | 'TCPRoute', sectionName: string): object {
  const version = kind === 'HTTPRoute' ? 'v1' : 'v1alpha2';
  const backend = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'demo-upstream' };
  return {
    apiVersion: `${GATEWAY_API}/${version}`,
    kind,
    metadata: { name: sectionName, namespace: 'httpbin' },
    spec: { parentRefs: [{ name: 'agentgateway-proxy', sectionName }], rules: [{ backendRefs: [backend] }] },
  };
}

/** The conditions of one of the gateway's listeners. */
async function said(name: string): Promise<Readonly<Record<string, string>>> {
  const { status } = (await (await call(system.ports, 'GET', GATEWAY)).json()) as {
    readonly status: { readonly listeners: readonly (Conditions & { readonly name: string })[] };
  };
  const { conditions = [] } = status.listeners.find((one) => one.name === name) ?? {};
  return Object.fromEntries(conditions.map(({ type, status: is, reason }) => [type, `${is} ${reason}`]));
}

async function connections(): Promise<readonly Row[]> {
  const response = await fetch(`http://127.0.0.1:${system.ports.admin}/connections`);
  return ((await response.json()) as { readonly connections: readonly Row[] }).connections;
}

/** A handshake that trusts one certificate and what it is for. */
async function secure({ chain }: Certificate, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: HOST, ca: chain, ...options });
  await once(socket, 'secureConnect');
  assert.equal(socket.authorized, true);
  return socket;
}

async function http2(trusted: Certificate): Promise<ClientHttp2Session> {
  const socket = await secure(trusted, { ALPNProtocols: ['h2'] });
  return connectHttp2(`https://${HOST}`, { createConnection: () => socket });
}

async function get(session: ClientHttp2Session): Promise<number> {
  const stream = session.request({ ':path': '/status/200' });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  stream.resume();
  await once(stream, 'end');
  return headers[':status'];
}

test('a listener waits for its Secret, and serves when it comes', async () => {
  await write(system.ports, 'PATCH', GATEWAY, [
    listener('https', 'HTTPS', HOST, ['web']),
    listener('raw', 'TLS', 'raw.example.com', ['wild']),
  ]);
  await write(
    system.ports,
    'POST',
    `apis/${GATEWAY_API}/v1/namespaces/httpbin/httproutes`,
    route('HTTPRoute', 'https'),
  );
  await write(
    system.ports,
    'POST',
    `apis/${GATEWAY_API}/v1alpha2/namespaces/httpbin/tcproutes`,
    route('TCPRoute', 'raw'),
  );
  assert.deepEqual(await said('https'), {
    Accepted: 'True Accepted',
    Conflicted: 'False NoConflicts',
    Programmed: 'False Invalid',
    ResolvedRefs: 'False InvalidCertificateRef',
  });
  await write(system.ports, 'POST', SECRETS, pairOf('web', first));
  await write(system.ports, 'POST', SECRETS, pairOf('wild', wild));
  for (const name of ['https', 'raw']) {
    await eventually(async () =>
      assert.deepEqual(await said(name), {
        Accepted: 'True Accepted',
        Conflicted: 'False NoConflicts',
        Programmed: 'True Programmed',
        ResolvedRefs: 'True ResolvedRefs',
      }),
    );
  }
});

test('HTTP/1.1 and HTTP/2 by ALPN over TLS, TCP in TLS, with policies on the connection below', async () => {
  const agent = false;
  const one = request({ host: '127.0.0.1', port, servername: HOST, ca: first.chain, agent, path: '/status/200' });
  one.setHeader('host', HOST);
  one.end();
  const [answer] = await once(one, 'response');
  assert.equal(answer.statusCode, 200);
  answer.resume();
  const session = await http2(first);
  assert.equal(await get(session), 200);
  const raw = await secure(wild, { servername: 'raw.example.com' });
  raw.write('GET /status/200 HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n');
  assert.match(String((await once(raw, 'data'))[0]), /^HTTP\/1\.1 200 /);
  const targetRefs = [{ group: GATEWAY_API, kind: 'Gateway', name: 'agentgateway-proxy' }];
  await write(system.ports, 'POST', POLICIES, {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: 'tls' },
    spec: {
      targetRefs,
      frontend: {
        tcp: { keepalive: { time: '33s' } },
        http: { http2KeepaliveInterval: '1s' },
        tls: { minProtocolVersion: '1.3' },
      },
    },
  });
  let pings = 0;
  session.on('ping', () => {
    pings += 1;
  });
  await eventually(async () => {
    const rows = (await connections()).filter(({ tls }) => tls !== null);
    assert.deepEqual(
      rows.map(({ listener: key, protocol, serverName, tls, keepalive }) => {
        return [key, protocol, serverName, tls?.version, tls?.alpn, keepalive.idleSeconds];
      }),
      [
        ['httpbin/agentgateway-proxy.https', 'http2', HOST, 'TLSv1.3', 'h2', 33],
        ['httpbin/agentgateway-proxy.raw', 'tcp', 'raw.example.com', 'TLSv1.3', null, 33],
      ],
    );
    assert.ok(pings > 0, 'no PING was answered');
  });
  await assert.rejects(secure(first, { maxVersion: 'TLSv1.2' }), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  session.close();
  raw.destroy();
});

test('a new certificate serves new handshakes, and what is open stays', async () => {
  const session = await http2(first);
  assert.equal(await get(session), 200);
  await write(system.ports, 'PUT', `${SECRETS}/web`, pairOf('web', renewed));
  await eventually(async () => (await secure(renewed)).destroy());
  assert.equal(await get(session), 200);
  session.close();
});

test('a wrong key is told in the status, and never shown; the others go on', async () => {
  await write(system.ports, 'PUT', `${SECRETS}/web`, secret('web', renewed.chain, first.key.reveal()));
  const { status } = (await (await call(system.ports, 'GET', GATEWAY)).json()) as {
    readonly status: { readonly listeners: readonly (Conditions & { readonly name: string })[] };
  };
  const conditions = status.listeners.find(({ name }) => name === 'https')?.conditions ?? [];
  assert.equal(
    conditions.find(({ type }) => type === 'ResolvedRefs')?.message,
    'Secret httpbin/web has a tls.key that does not belong to its tls.crt',
  );
  await eventually(() => assert.rejects(secure(renewed)));
  (await secure(wild, { servername: 'raw.example.com' })).destroy();
  await write(system.ports, 'PUT', `${SECRETS}/web`, pairOf('web', first));
  await eventually(async () => (await secure(first)).destroy());
});

test('no page, no answer, no log and no event has a private key', async () => {
  const drafts = [pairOf('web', renewed), pairOf('wild', first)];
  const preview = await call(system.ports, 'POST', 'v1/preview', { apiVersion: 'v1', kind: 'List', items: drafts });
  const texts = [
    await preview.text(),
    system.output(),
    ...readdirSync(join(system.dataDir, 'logs')).map((file) =>
      readFileSync(join(system.dataDir, 'logs', file), 'utf8'),
    ),
    ...(await Promise.all(
      [`${GATEWAY}/effective?explain=true`, `${GATEWAY}/history`, `${SECRETS}/web/history`, 'v1/workers'].map(
        async (path) => (await call(system.ports, 'GET', path)).text(),
      ),
    )),
    await (await fetch(`http://127.0.0.1:${system.ports.admin}/config_dump`)).text(),
    await (await fetch(`http://127.0.0.1:${system.ports.admin}/connections`)).text(),
    ...['events.db', 'events.db-wal'].map((file) => readFileSync(join(system.dataDir, file), 'latin1')),
  ];
  assert.match(texts.at(-4) ?? '', /"fingerprint256"/);
  assert.match(texts[0] ?? '', /"change":"Changed"/);
  for (const { key } of [first, wild, renewed]) {
    const pem = key.reveal();
    const body = pem.split('\n')[1] ?? assert.fail('no PEM');
    const encoded = Buffer.from(pem).toString('base64').slice(60, 120);
    for (const text of texts) assert.ok(!text.includes(body) && !text.includes(encoded));
  }
});
