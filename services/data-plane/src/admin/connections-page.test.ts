import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { resourceName } from '@pulseplane/projection/gateway';
import { createWorld, httpPolicy, rawClient, tcpPolicy, until, type World } from '../testing/world.ts';

type Rows = { readonly connections: readonly Row[]; readonly upstreams: readonly Row[] };
type Row = {
  readonly id: string;
  readonly peer: string;
  readonly protocol: string;
  readonly policyVersion: { readonly tcp: string | null; readonly http: string | null };
};

let world: World;

before(async () => {
  world = await createWorld();
});

after(() => world.stop());

async function page(query: string): Promise<Rows> {
  const response = await world.admin(`/connections${query}`);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Rows;
}

test('the page can be asked for a part by every field, and by several', async () => {
  const raw = await rawClient(world.tcpPort);
  raw.socket.write('x'.repeat(1_000));
  await until(() => raw.received().length === 1_000);
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/' }).resume();
  await once(stream, 'end');
  const tcp = tcpPolicy({ timeMs: 30_000, intervalMs: 5_000, retries: 3 });
  world.apply(tcp, httpPolicy({ http2KeepaliveIntervalMs: 200 }));
  await until(async () => (await page('?min.lastPingRttMs=0')).connections.length === 1);

  const [row] = (await page('?protocol=tcp')).connections;
  assert.ok(row);
  for (const [query, protocols] of [
    ['', ['http2', 'tcp']],
    ['?protocol=tcp', ['tcp']],
    ['?protocol=tcp&protocol=http2', ['http2', 'tcp']],
    [`?id=${row.id}`, ['tcp']],
    [`?peer=${row.peer}`, ['tcp']],
    ['?peer=127.0.0.1', ['http2', 'tcp']],
    ['?peer=127.0.0.2', []],
    [`?local=127.0.0.1:${world.httpPort}`, ['http2']],
    ['?listener=httpbin/agentgateway-proxy.tcp', ['tcp']],
    ['?policy=httpbin/httpbin-keepalive', ['http2', 'tcp']],
    [`?policy=${tcp.key}&protocol=http2`, ['http2']],
    ['?policy=httpbin/another', []],
    ['?min.bytesIn=1000', ['tcp']],
    ['?max.bytesIn=999', ['http2']],
    ['?max.ageMs=0', []],
    ['?max.idleMs=60000&min.ageMs=1', ['http2', 'tcp']],
    ['?max.rttMs=1000', ['http2', 'tcp']],
    ['?min.unansweredProbes=1', []],
    ['?max.unansweredProbes=0', ['http2', 'tcp']],
    ['?min.lastPingRttMs=0', ['http2']],
    ['?min.keepalive.idleSeconds=30&max.keepalive.idleSeconds=30', ['http2', 'tcp']],
    ['?min.keepalive.idleSeconds=31', []],
    ['?serverName=a.example', []],
    ['?tls=false', ['http2', 'tcp']],
    ['?tls=true', []],
    ['?tls.version=TLSv1.3', []],
  ] as const) {
    const { connections } = await page(query);
    assert.deepEqual(connections.map(({ protocol }) => protocol).sort(), protocols, query);
  }
  for (const [query, protocols] of [
    ['?backend=httpbin/tcp-upstream', ['tcp']],
    ['?backend=httpbin/http-upstream&protocol=http1', ['http1']],
    ['?route=TCPRoute httpbin/tcp', ['tcp']],
    ['?min.requests=1', ['tcp']],
  ] as const) {
    const { connections, upstreams } = await page(query);
    assert.deepEqual([connections, upstreams.map(({ protocol }) => protocol)], [[], protocols], query);
  }
  raw.socket.destroy();
  client.destroy();
  world.remove(tcp);
  await until(async () => (await world.connections()).length === 0);
});

test('what the page cannot be asked is refused with its name, and a bound that is none with its value', async () => {
  for (const [query, reason] of [
    ['?prtocol=tcp', /^"prtocol" is no parameter of this page; those are id, listener, protocol/],
    ['?min.protocol=1', /^"min.protocol" is no parameter/],
    ['?__proto__=1', /^"__proto__" is no parameter/],
    ['?tls=yes', /^tls: "yes" is none of true, false$/m],
    ['?min.ageMs=a', /^min.ageMs: "a" is not a number$/m],
  ] as const) {
    const response = await world.admin(`/connections${query}`);
    assert.equal(response.status, 400);
    assert.match(await response.text(), reason);
  }
});

test('each connection says in which version the policies came that are in force on it', async () => {
  const raw = await rawClient(world.tcpPort);
  const put = (timeMs: number, version: string) => {
    const resource = tcpPolicy({ timeMs });
    world.worker.apply({ updated: [{ name: resourceName(resource), version, resource }], removed: [] });
  };
  const versions = async () => (await page('?protocol=tcp')).connections.map(({ policyVersion }) => policyVersion);
  put(30_000, 'one');
  await until(async () => (await versions())[0]?.tcp === 'one');
  put(60_000, 'two');
  await until(async () => (await versions())[0]?.tcp === 'two');
  // More than the kernel takes: it is refused, and what runs is what ran.
  put(40_000_000, 'three');
  assert.equal((await page('?policyVersion=two')).connections.length, 1);
  world.remove(tcpPolicy({}));
  await until(async () => (await versions())[0]?.tcp === null);
  raw.socket.destroy();
});
