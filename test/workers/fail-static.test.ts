import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteEventLog } from '../../packages/event-log/src/index.ts';
import type { KubernetesObject } from '../../packages/resources/src/index.ts';
import { type ControlPlaneProcess, spawnControlPlane } from '../system/control-plane-process.ts';
import { eventually, freePorts, type Ports } from '../system/running-system.ts';
import { needs } from '../system/tools.ts';
import { spawnWorker, type WorkerProcess } from '../system/worker-process.ts';

const POLICIES = '/apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';
const FILE = 'worker-httpbin~agentgateway-proxy.conf';

type Counts = { readonly open: number; readonly closes: { readonly peer?: number } };
/** What the control plane tells of a worker. */
type Told = {
  readonly node: string;
  readonly connected: boolean;
  readonly configuration?: { readonly source: string };
  readonly connections?: Counts;
  readonly policies?: readonly (Counts & { readonly policy: string })[];
};

/** A control plane with a gateway whose HTTP listener is one of `ports`, and what a worker of it needs. */
type World = AsyncDisposable & {
  readonly ports: Ports;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly startControlPlane: () => Promise<ControlPlaneProcess>;
  readonly startWorker: (stateDir?: string, wrapper?: readonly string[]) => Promise<WorkerProcess>;
};

async function createWorld(): Promise<World> {
  const ports = await freePorts();
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-static-'));
  const stateDir = join(dataDir, 'worker');
  const running = new Set<{ readonly kill: () => Promise<void> }>();
  return {
    ports,
    dataDir,
    stateDir,
    startControlPlane: async () => {
      const started = spawnControlPlane({ dataDir, ports });
      running.add(started);
      await started.ready();
      return started;
    },
    startWorker: async (folder = stateDir, wrapper = []) => {
      const worker = await spawnWorker({
        xds: ports.xds,
        nodeId: 'static',
        listenAddress: '127.0.0.1',
        stateDir: folder,
        wrapper,
      });
      running.add(worker);
      return worker;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...running].map((one) => one.kill()));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function write(ports: Ports, method: string, path: string, body: object): Promise<void> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(`http://127.0.0.1:${ports.rest}${path}`, {
    method,
    headers: { 'content-type': type },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, await response.text());
}

function keepalive(time: string) {
  return { spec: { frontend: { tcp: { keepalive: { time } } } } };
}

/** A gateway with an HTTP listener that leads nowhere, under a keepalive policy. */
async function configure(ports: Ports): Promise<void> {
  await write(ports, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'httpbin' },
  }).catch(() => undefined);
  await write(ports, 'POST', '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways', {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'agentgateway-proxy', namespace: 'httpbin' },
    spec: { gatewayClassName: 'agentgateway', listeners: [{ name: 'http', port: ports.http, protocol: 'HTTP' }] },
  });
  await write(ports, 'POST', POLICIES, {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: 'kept', namespace: 'httpbin' },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
      frontend: { tcp: { keepalive: { time: '30s' } } },
    },
  });
}

/** What the kernel says of a connection to the gateway, after a request over it. */
async function servedIdleSeconds(ports: Ports, worker: WorkerProcess): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  try {
    const { statusCode, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: ports.http, agent });
      asked.on('response', (response) => resolve(response.resume()));
      asked.on('error', reject);
      asked.end();
    });
    assert.equal(statusCode, 404);
    const page = await fetch(`http://127.0.0.1:${worker.ports.admin}/connections`);
    const { connections } = (await page.json()) as {
      readonly connections: readonly { readonly keepalive: { readonly idleSeconds: number } }[];
    };
    assert.equal(
      connections.length,
      1,
      `answered with ${JSON.stringify(headers)} by a worker that says\n${worker.output()}`,
    );
    return connections[0]?.keepalive.idleSeconds ?? 0;
  } finally {
    agent.destroy();
  }
}

const readiness = async ({ ports }: WorkerProcess) => {
  const response = await fetch(`http://127.0.0.1:${ports.readiness}/healthz/ready`);
  return [response.status, (await response.text()).trim()] as const;
};

test('kill -9 of control plane and worker: the worker serves from disk with its keepalive, then takes what changed', async () => {
  await using world = await createWorld();
  const { ports, stateDir } = world;
  const controlPlane = await world.startControlPlane();
  await configure(ports);
  const first = await world.startWorker();
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, first), 30));
  await eventually(() => assert.match(readFileSync(join(stateDir, FILE), 'utf8'), /policy\/[^"]*kept/));
  assert.equal(statSync(join(stateDir, FILE)).mode & 0o777, 0o600);
  await Promise.all([controlPlane.kill(), first.kill()]);

  const second = await world.startWorker();
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, second), 30));
  const [status, text] = await readiness(second);
  assert.equal(status, 200);
  assert.match(text, /^ready, with the configuration of \S+Z from disk: the control plane does not answer$/);
  const metrics = async () => (await fetch(`http://127.0.0.1:${second.ports.metrics}/metrics`)).text();
  const aged = /^pulseplane_config_age_seconds\{source="disk"\} ([\d.]+)$/m.exec(await metrics())?.[1];
  assert.ok(Number(aged) > 0 && Number(aged) < 60, `${aged} s`);
  assert.match(await metrics(), /^pulseplane_control_plane_connected 0$/m);
  assert.match(second.output(), /the configuration that was accepted last is in force/);

  await world.startControlPlane();
  await write(ports, 'PATCH', `${POLICIES}/kept`, keepalive('60s'));
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, second), 60), 30_000);
  assert.deepEqual(await readiness(second), [200, 'ready']);
  assert.match(await metrics(), /^pulseplane_config_age_seconds\{source="control_plane"\}/m);
  assert.match(await metrics(), /^pulseplane_control_plane_connected 1$/m);
  const told = async () => {
    const response = await fetch(`http://127.0.0.1:${ports.rest}/v1/workers`);
    const { items } = (await response.json()) as { readonly items: readonly Told[] };
    return items.find(({ node, connected }) => node === 'static' && connected);
  };
  await eventually(async () => {
    const { configuration, connections, policies } = (await told()) ?? {};
    assert.equal(configuration?.source, 'control_plane');
    assert.ok((connections?.closes.peer ?? 0) >= 1, JSON.stringify(connections));
    const kept = policies?.find(({ policy }) => policy.includes('httpbin/kept:'));
    assert.ok((kept?.closes.peer ?? 0) >= 1, JSON.stringify(policies));
  }, 20_000);
  // It said what it held, so that not everything came again.
  const updates = [...second.output().matchAll(/"updated":(\d+),.*configuration applied/g)].map(([, n]) => Number(n));
  assert.ok(updates.length > 0 && updates.every((n) => n <= 1), `updated ${updates}`);
});

test('a file that is cut off is said, not used, and not fatal: the worker denies until the control plane answers', async () => {
  await using world = await createWorld();
  const { ports, stateDir } = world;
  const controlPlane = await world.startControlPlane();
  await configure(ports);
  const first = await world.startWorker();
  await eventually(() => assert.match(readFileSync(join(stateDir, FILE), 'utf8'), /policy\/[^"]*kept/));
  await Promise.all([controlPlane.kill(), first.kill()]);
  truncateSync(join(stateDir, FILE), statSync(join(stateDir, FILE)).size - 10);

  const second = await world.startWorker();
  await eventually(() => assert.match(second.output(), /it is cut off.*the saved configuration cannot be used/));
  await sleep(1_500);
  assert.deepEqual(await readiness(second), [500, 'not ready, pending: config']);
  await assert.rejects(fetch(`http://127.0.0.1:${ports.http}/`));

  await world.startControlPlane();
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, second), 30), 30_000);
});

type Stored = KubernetesObject & { readonly metadata: { readonly uid: string }; readonly spec: object };

/** What the API refuses, as an older control plane may have stored it: more than the kernel takes. */
async function storeTooLong(dataDir: string, object: Stored): Promise<void> {
  const log = await openSqliteEventLog(join(dataDir, 'events.db'));
  await log.append({
    expected: [],
    events: [
      {
        id: 'older-control-plane',
        type: 'SpecChanged',
        subject: {
          group: 'agentgateway.dev',
          kind: 'AgentgatewayPolicy',
          namespace: 'httpbin',
          name: 'kept',
          uid: object.metadata.uid,
        },
        object: { ...object, spec: { ...object.spec, ...keepalive('40000s').spec } },
        actor: { user: 'anonymous', via: 'test' },
        requestId: 'r',
        correlationId: 'r',
        time: new Date().toISOString(),
      },
    ],
  });
  await log.close();
}

test('a version that the worker rejected is not in force, nor after a restart without the control plane', async () => {
  await using world = await createWorld();
  const { ports, dataDir, stateDir } = world;
  const older = await world.startControlPlane();
  await configure(ports);
  const kept = (await (await fetch(`http://127.0.0.1:${ports.rest}${POLICIES}/kept`)).json()) as Stored;
  const first = await world.startWorker();
  await eventually(() => assert.match(readFileSync(join(stateDir, FILE), 'utf8'), /policy\/[^"]*kept/));
  await older.kill();
  await storeTooLong(dataDir, kept);
  const newer = await world.startControlPlane();
  await eventually(() => assert.match(first.output(), /40000000 must be from 1000/), 30_000);
  assert.equal(await servedIdleSeconds(ports, first), 30);
  await Promise.all([newer.kill(), first.kill()]);

  const second = await world.startWorker();
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, second), 30));
  assert.match((await readiness(second))[1], /from disk/);
});

test('a worker that has never accepted a configuration is not ready and opens no port', async () => {
  await using world = await createWorld();
  const { ports } = world;
  const worker = await world.startWorker();
  await eventually(async () => assert.deepEqual(await readiness(worker), [500, 'not ready, pending: config']));
  await sleep(2_000);
  assert.deepEqual(await readiness(worker), [500, 'not ready, pending: config']);
  await assert.rejects(fetch(`http://127.0.0.1:${ports.http}/`));
  const text = await (await fetch(`http://127.0.0.1:${worker.ports.metrics}/metrics`)).text();
  assert.doesNotMatch(text, /^pulseplane_config_age_seconds\{/m);
});

test('where nothing can be saved the worker says so and serves', async () => {
  await using world = await createWorld();
  const { ports } = world;
  await world.startControlPlane();
  await configure(ports);
  // No folder can be made in a file, whoever asks.
  const worker = await world.startWorker('/dev/null/pulseplane');
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, worker), 30));
  await eventually(() => assert.match(worker.output(), /"error":"ENOTDIR".*could not be saved/));
  const text = await (await fetch(`http://127.0.0.1:${worker.ports.metrics}/metrics`)).text();
  assert.match(text, /^pulseplane_config_saves_total\{outcome="ENOTDIR"\} [1-9]/m);
});

/** Root writes everywhere, unless it lets go of that. */
const NOT_EVERYWHERE =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'] : [];

test('a folder that may not be written is said with its errno, and used when it may', {
  skip: NOT_EVERYWHERE.length > 0 && needs('setpriv'),
}, async () => {
  await using world = await createWorld();
  const { ports, stateDir } = world;
  mkdirSync(stateDir, { mode: 0o500 });
  await world.startControlPlane();
  await configure(ports);
  const worker = await world.startWorker(stateDir, NOT_EVERYWHERE);
  await eventually(async () => assert.equal(await servedIdleSeconds(ports, worker), 30));
  await eventually(() => assert.match(worker.output(), /"error":"EACCES".*could not be saved/));
  const metrics = async () => (await fetch(`http://127.0.0.1:${worker.ports.metrics}/metrics`)).text();
  assert.match(await metrics(), /^pulseplane_config_saves_total\{outcome="EACCES"\} [1-9]/m);
  assert.equal((await readiness(worker))[0], 200);

  chmodSync(stateDir, 0o700);
  await eventually(() => assert.match(readFileSync(join(stateDir, FILE), 'utf8'), /policy\/[^"]*kept/), 20_000);
  // Counted when the new name is on the disk too, a moment after it can be read.
  await eventually(async () => assert.match(await metrics(), /^pulseplane_config_saves_total\{outcome="ok"\} [1-9]/m));
});
