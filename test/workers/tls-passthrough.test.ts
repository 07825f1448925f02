import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, connect as openTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { call, write } from '../system/rest-call.ts';
import { eventually, type RunningSystem, startSystem } from '../system/running-system.ts';
import { CERTIFICATE, startTlsServer, type TlsServer } from '../system/tls-server.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const GATEWAYS = `apis/${GATEWAY_API}/v1/namespaces/httpbin/gateways`;
const TLS_ROUTES = `apis/${GATEWAY_API}/v1alpha2/namespaces/httpbin/tlsroutes`;
const BACKENDS = 'apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaybackends';
const POLICIES = 'apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';

type Condition = { readonly type: string; readonly status: string; readonly reason: string };
type Conditions = { readonly conditions: readonly Condition[] };
type Row = {
  readonly peer: string;
  readonly via: string | null;
  readonly protocol: string;
  readonly serverName: string | null;
  readonly listener: string;
  readonly route: string;
  readonly keepalive: object;
};
type Page = { readonly connections: readonly Row[]; readonly upstreams: readonly Row[] };

let system: RunningSystem;
let port: number;
const servers = new Map<string, TlsServer>();
const clients: TLSSocket[] = [];

before(async () => {
  system = await startSystem();
  port = await freePort();
  for (const name of ['a', 'b', 'c']) servers.set(name, await startTlsServer(name));
  for (const [name, server] of servers) {
    const spec = { static: { host: '127.0.0.1', port: server.port } };
    await write(system.ports, 'POST', BACKENDS, object('agentgateway.dev/v1alpha1', 'AgentgatewayBackend', name, spec));
  }
  await write(system.ports, 'PATCH', `${GATEWAYS}/agentgateway-proxy`, [
    listener('exact', 'a.example.com'),
    listener('wide', '*.example.com'),
  ]);
  await write(system.ports, 'POST', TLS_ROUTES, route('exact', { sectionName: 'exact' }, [], [['a', 1]]));
  await write(
    system.ports,
    'POST',
    TLS_ROUTES,
    route(
      'wide',
      { sectionName: 'wide' },
      ['*.example.com'],
      [
        ['a', 0],
        ['b', 1],
        ['c', 1],
      ],
    ),
  );
  await write(system.ports, 'POST', TLS_ROUTES, route('stray', { port }, ['a.example.org'], [['nowhere', 1]]));
  await programmed();
});

after(async () => {
  for (const client of clients) client.destroy();
  await system[Symbol.asyncDispose]();
  for (const server of servers.values()) server[Symbol.dispose]();
});

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

function object(apiVersion: string, kind: string, name: string, spec: object): object {
  return { apiVersion, kind, metadata: { name, namespace: 'httpbin' }, spec };
}

/** A step of a JSON patch. */
function listener(name: string, hostname: string): object {
  const value = { name, port, protocol: 'TLS', hostname, tls: { mode: 'Passthrough' } };
  return { op: 'add', path: '/spec/listeners/-', value };
}

function route(
  name: string,
  parent: object,
  hostnames: readonly string[],
  backends: readonly [string, number][],
): object {
  return object(`${GATEWAY_API}/v1alpha2`, 'TLSRoute', name, {
    parentRefs: [{ name: 'agentgateway-proxy', ...parent }],
    ...(hostnames.length > 0 && { hostnames }),
    rules: [
      {
        backendRefs: backends.map(([backend, weight]) => ({
          group: 'agentgateway.dev',
          kind: 'AgentgatewayBackend',
          name: backend,
          weight,
        })),
      },
    ],
  });
}

function policy(name: string, section: 'frontend' | 'backend', settings: object): object {
  const targetRefs = [
    { group: GATEWAY_API, kind: 'Gateway', name: 'agentgateway-proxy', ...(section === 'frontend' && { port }) },
  ];
  return object('agentgateway.dev/v1alpha1', 'AgentgatewayPolicy', name, { targetRefs, [section]: settings });
}

async function read<Shape>(path: string): Promise<Shape> {
  return (await (await call(system.ports, 'GET', path)).json()) as Shape;
}

function said({ conditions }: Conditions): Readonly<Record<string, string>> {
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

/** The worker has what was written. */
async function programmed(): Promise<void> {
  await eventually(async () => {
    const { status } = await read<{ readonly status: Conditions }>(`${GATEWAYS}/agentgateway-proxy`);
    assert.equal(said(status)['Programmed'], 'True Programmed');
  });
}

async function applied(name: string): Promise<void> {
  await eventually(async () => {
    const { status } = await read<{ readonly status: { readonly ancestors: readonly Conditions[] } }>(
      `${POLICIES}/${name}`,
    );
    assert.equal(status.ancestors[0] && said(status.ancestors[0])['Accepted'], 'True Valid');
  });
  await programmed();
}

async function page(): Promise<Page> {
  return (await (await fetch(`http://127.0.0.1:${system.ports.admin}/connections`)).json()) as Page;
}

async function closes(reason: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${system.ports.metrics}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('pulseplane_downstream_connection_closes_total'));
  return lines.reduce((sum, line) => sum + (line.includes(`reason="${reason}"`) ? Number(line.split(' ')[1]) : 0), 0);
}

/** A client that trusts the backends' certificate, after a header of a proxy, and what the backend says first. */
async function ask(
  options: ConnectionOptions,
  header = '',
): Promise<{ readonly socket: TLSSocket; readonly line: string }> {
  const raw = openTcp(port, '127.0.0.1');
  raw.write(Buffer.from(header, 'latin1'));
  const socket = connect({ socket: raw, ca: CERTIFICATE, ...options });
  clients.push(socket);
  const [line] = (await once(socket, 'data')) as [Buffer];
  return { socket, line: line.toString() };
}

/** A client that is sent away. */
async function refused(options: ConnectionOptions, code: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE, ...options });
  await assert.rejects(once(socket, 'secureConnect'), { code });
}

test('the gateway and each route say what became of them', async () => {
  type Gateway = {
    readonly status: { readonly listeners: readonly (Conditions & { name: string; attachedRoutes: number })[] };
  };
  const { listeners } = (await read<Gateway>(`${GATEWAYS}/agentgateway-proxy`)).status;
  const conditions = {
    Accepted: 'True Accepted',
    Conflicted: 'False NoConflicts',
    Programmed: 'True Programmed',
    ResolvedRefs: 'True ResolvedRefs',
  };
  assert.deepEqual(
    listeners.slice(2).map((one) => [one.name, one.attachedRoutes, said(one)]),
    [
      ['exact', 1, conditions],
      ['wide', 1, conditions],
    ],
  );
  const ofRoute = async (name: string) => {
    const { status } = await read<{ readonly status: { readonly parents: readonly Conditions[] } }>(
      `${TLS_ROUTES}/${name}`,
    );
    return status.parents.map(said);
  };
  assert.deepEqual(await ofRoute('wide'), [{ Accepted: 'True Accepted', ResolvedRefs: 'True ResolvedRefs' }]);
  assert.deepEqual(await ofRoute('stray'), [
    { Accepted: 'False NoMatchingListenerHostname', ResolvedRefs: 'False BackendNotFound' },
  ]);
});

test('the server name picks the backend, by weight where there are several, and TLS ends there', async () => {
  const seen = new Set<string>();
  for (let round = 0; round < 100 && seen.size < 2; round++) {
    const { socket, line } = await ask({ servername: 'b.example.com', ALPNProtocols: ['h2'] });
    assert.equal(socket.authorized, true);
    seen.add(line);
    socket.destroy();
  }
  assert.deepEqual([...seen].sort(), ['b h2', 'c h2']);
  const { socket, line } = await ask({ servername: 'a.example.com', maxVersion: 'TLSv1.2' });
  assert.equal(line, 'a false');
  socket.destroy();
});

test('keepalive of both sides is set on the open connection', async () => {
  const { socket } = await ask({ servername: 'a.example.com' });
  const keepalive = { enabled: true, userTimeoutMs: 0 };
  const own = async () => {
    const { connections, upstreams } = await page();
    const [client] = connections.filter(({ protocol }) => protocol === 'tls');
    const [backend] = upstreams.filter(({ route: name }) => name === 'TLSRoute httpbin/exact');
    assert(client && backend);
    return { client, backend };
  };
  const { client } = await own();
  assert.deepEqual([client.serverName, client.listener], ['a.example.com', 'httpbin/agentgateway-proxy.exact']);
  await write(
    system.ports,
    'POST',
    POLICIES,
    policy('clients', 'frontend', { tcp: { keepalive: { time: '33s', interval: '4s', retries: 5 } } }),
  );
  await write(
    system.ports,
    'POST',
    POLICIES,
    policy('backends', 'backend', { tcp: { keepalive: { time: '44s', interval: '6s', retries: 7 } } }),
  );
  await eventually(async () => {
    const now = await own();
    assert.deepEqual(now.client.keepalive, { ...keepalive, idleSeconds: 33, intervalSeconds: 4, probes: 5 });
    assert.deepEqual(now.backend.keepalive, { ...keepalive, idleSeconds: 44, intervalSeconds: 6, probes: 7 });
  });
  socket.destroy();
});

test('a name that nobody serves, and none, are closed for a reason of their own', async () => {
  await refused({ servername: 'a.example.org' }, 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  await refused({}, 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  await eventually(async () => assert.equal(await closes('unknown_server_name'), 2));
});

describe('the PROXY protocol of a policy', () => {
  const V2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb';
  const V1 = 'PROXY TCP4 192.0.2.8 198.51.100.1 4242 443\r\n';
  const peers = async () =>
    (await page()).connections.flatMap(({ protocol, peer }) => (protocol === 'tls' ? [peer] : []));
  let open: TLSSocket;

  test('says who the client is, from the next connection on', async () => {
    ({ socket: open } = await ask({ servername: 'a.example.com' }));
    await write(system.ports, 'POST', POLICIES, policy('proxy', 'frontend', { proxyProtocol: {} }));
    await applied('proxy');
    const { socket, line } = await ask({ servername: 'a.example.com' }, V2);
    assert.equal(line, 'a false');
    const [, row] = (await page()).connections.filter(({ protocol }) => protocol === 'tls');
    assert.equal(row?.peer, '192.0.2.7:56324');
    assert.match(row?.via ?? '', /^127\.0\.0\.1:\d+$/);
    const before = await closes('proxy_header');
    await refused({ servername: 'a.example.com' }, 'ECONNRESET');
    await eventually(async () => assert.equal(await closes('proxy_header'), before + 1));
    const { ports } = await read<{ readonly ports: readonly { port: number; proxyProtocol?: object }[] }>(
      `${GATEWAYS}/agentgateway-proxy/effective`,
    );
    const policyKey = `frontend/httpbin/proxy:frontend-proxy:httpbin/agentgateway-proxy/port=${port}`;
    assert.deepEqual(ports.find((one) => one.port === port)?.proxyProtocol, {
      policyKey,
      mode: 'strict',
      version: 'v2',
    });
    socket.destroy();
  });

  test('follows the policy to another version and mode, and goes with it', async () => {
    const merge = [{ op: 'replace', path: '/spec/frontend/proxyProtocol', value: { version: 'V1', mode: 'Optional' } }];
    await write(system.ports, 'PATCH', `${POLICIES}/proxy`, merge);
    await applied('proxy');
    for (const [header, peer] of [
      [V1, /^192\.0\.2\.8:4242$/],
      ['', /^127\.0\.0\.1:\d+$/],
    ] as const) {
      const { socket, line } = await ask({ servername: 'a.example.com' }, header);
      assert.equal(line, 'a false');
      assert.match((await peers()).at(-1) ?? '', peer);
      socket.destroy();
    }
    await write(system.ports, 'DELETE', `${POLICIES}/proxy`);
    await programmed();
    const { socket } = await ask({ servername: 'a.example.com' });
    socket.destroy();
  });

  test('leaves alone what was open before', async () => {
    open.write('still');
    const [echo] = (await once(open, 'data')) as [Buffer];
    assert.equal(echo.toString(), 'still');
    open.destroy();
  });
});
