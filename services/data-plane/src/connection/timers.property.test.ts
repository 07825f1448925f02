import assert from 'node:assert/strict';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { FrontendPolicy, GatewayResource, HttpSettings, TcpKeepalive } from '@pulseplane/projection/gateway';
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import fc from 'fast-check';
import { freePort } from '../testing/free-port.ts';
import { createWorld, GATEWAY, listening, portResources, rawClient, type World } from '../testing/world.ts';

/**
 * Real connections of a real worker whose clock is turned by hand, beside a model that merges policies by itself. What
 * is configured is a multiple of 100 s, and step n of a run is at 4 s x n beyond one: whatever began at an earlier step
 * ends seconds away from any later one, so that a step finds nothing in between.
 */
const UNIT_MS = 100_000;
const STEP_MS = 4_000;
/** What comes of a timer needs turns of the real event loop, and sets the next one: the end is gone to in such steps. */
const LAST_STEPS_MS = [1_000, 1_000, 1_000, 1_000];
const MOST_STEPS = 10;

const KINDS = ['http1', 'http2', 'tcp'] as const;
type Kind = (typeof KINDS)[number];
type Port = 'first' | 'second';
type Place = 'gateway' | Port;
type Section = 'tcp' | 'http';
type Settings = { readonly tcp: TcpKeepalive } | { readonly http: HttpSettings };
type Policy = { readonly resources: readonly GatewayResource[] } & (
  | { readonly section: 'tcp'; readonly settings: TcpKeepalive }
  | { readonly section: 'http'; readonly settings: HttpSettings }
);
type Operation =
  | { readonly do: 'open'; readonly kind: Kind; readonly port: Port }
  | { readonly do: 'put'; readonly place: Place; readonly settings: Settings }
  | { readonly do: 'remove'; readonly place: Place; readonly section: Section };
/** After the operation so many units pass, and a little. */
type Step = { readonly operation: Operation; readonly units: number };

/** One connection as it ought to be. Times are the simulated clock's. */
type Modelled = {
  readonly kind: Kind;
  readonly port: Port;
  readonly id: string;
  readonly openedAt: number;
  /** Since when it is watched, and when a PING went out. */
  pings: { readonly quietSince: number; readonly sentAt: number | undefined } | undefined;
  /** The reasons that it may have; none while it is open. */
  ended: readonly string[];
};

type Row = {
  readonly id: string;
  readonly peer: string;
  readonly local: string;
  readonly keepalive: { readonly enabled: boolean };
  readonly policy: { readonly tcp: string | null; readonly http: string | null };
};

let world: World;
let clock: Clock;
let ports: { readonly [At in Port]: { readonly http: number; readonly tcp: number } };
const reasons = new Map<string, string>();

before(async () => {
  clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const onLine = (fields: object, message: string) => {
    const { connection, reason } = fields as { readonly connection: string; readonly reason: string };
    if (message === 'connection closed') reasons.set(connection, reason);
  };
  world = await createWorld({
    accessLog: true,
    logger: { debug: () => undefined, info: onLine, warn: () => undefined, error: () => undefined },
    // The model has policies' timers only.
    limits: { http2IdleMs: 1e9 },
  });
  const [http, tcp] = [await freePort(), await freePort()];
  ports = { first: { http: world.httpPort, tcp: world.tcpPort }, second: { http, tcp } };
  world.apply(
    ...portResources('http', http, world.upstreamPorts.http, '127.0.0.1', 'http2nd'),
    ...portResources('tcp', tcp, world.upstreamPorts.tcp, '127.0.0.1', 'tcp2nd'),
  );
  await listening(http);
  await listening(tcp);
});

after(async () => {
  clock.uninstall();
  await world.stop();
});

const units = (most: number) => fc.integer({ min: 1, max: most }).map((n) => n * UNIT_MS);
const tcpSettings = fc.record(
  {
    timeMs: fc.integer({ min: 1, max: 32_767 }).map((n) => n * 1_000),
    intervalMs: fc.integer({ min: 1, max: 32_767 }).map((n) => n * 1_000),
    retries: fc.integer({ min: 1, max: 127 }),
  },
  { requiredKeys: [] },
);
const httpSettings = fc
  .tuple(
    fc.record({ http1IdleTimeoutMs: units(4), maxConnectionDurationMs: units(8) }, { requiredKeys: [] }),
    // The timeout that holds without one is no multiple of the unit.
    fc.option(fc.record({ http2KeepaliveIntervalMs: units(3), http2KeepaliveTimeoutMs: units(2) }), { nil: {} }),
  )
  .map(([limits, pings]) => ({ ...limits, ...pings }));
const place = fc.constantFrom<Place>('gateway', 'first', 'second');
const port = fc.constantFrom<Port>('first', 'second');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('put'), place, settings: httpSettings.map((http) => ({ http })) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('put'), place, settings: tcpSettings.map((tcp) => ({ tcp })) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove'), place, section: fc.constantFrom<Section>('tcp', 'http') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('open'), kind: fc.constantFrom(...KINDS), port }),
  },
);
const steps = fc.array(fc.record({ operation, units: fc.integer({ min: 0, max: 2 }) }), {
  minLength: 4,
  maxLength: MOST_STEPS,
});

test('whatever policies come and go, each connection has the timers that their merge asks for', async () => {
  await fc.assert(fc.asyncProperty(steps, play), { numRuns: 100 });
});

async function play(run: readonly Step[]): Promise<void> {
  const policies = new Map<string, Policy>();
  const sockets: Socket[] = [];
  const open: Modelled[] = [];
  const merged = (section: Section, at: Port) => policies.get(`${section} ${at}`) ?? policies.get(`${section} gateway`);
  // Every run begins at a multiple of the unit.
  clock.tick(UNIT_MS - (performance.now() % UNIT_MS));
  const connectAs = async (kind: Kind, at: Port) => {
    const openedAt = performance.now();
    const { socket, id } = await connect(kind, ports[at]);
    sockets.push(socket);
    open.push({ kind, port: at, id, openedAt, pings: undefined, ended: [] });
  };
  try {
    for (const kind of KINDS) await connectAs(kind, 'first');
    for (const kind of KINDS) await connectAs(kind, 'second');
    for (const { operation, units } of run) {
      const now = performance.now();
      switch (operation.do) {
        case 'open':
          await connectAs(operation.kind, operation.port);
          break;
        case 'put': {
          const policy = toPolicy(operation.place, operation.settings);
          policies.set(`${policy.section} ${operation.place}`, policy);
          world.apply(...policy.resources);
          break;
        }
        case 'remove': {
          const key = `${operation.section} ${operation.place}`;
          world.remove(...(policies.get(key)?.resources ?? []));
          policies.delete(key);
          break;
        }
        default:
          operation satisfies never;
      }
      await turns();
      const until = now + units * UNIT_MS + STEP_MS;
      for (const one of open) goOn(one, httpOf(merged('http', one.port)), now, until);
      clock.tick(until - now - LAST_STEPS_MS.reduce((sum, ms) => sum + ms));
      for (const ms of LAST_STEPS_MS) {
        await turns();
        clock.tick(ms);
      }
      await turns();
      await compare(open, merged);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const { resources } of policies.values()) world.remove(...resources);
    await eventually(async () => (await rows()).length === 0);
  }
}

/** What happens to a connection while nothing is configured. */
function goOn(one: Modelled, http: HttpSettings, from: number, until: number): void {
  if (one.kind === 'tcp' || one.ended.length > 0) return;
  const { http1IdleTimeoutMs = 600_000, maxConnectionDurationMs, http2KeepaliveIntervalMs: interval } = http;
  const ends: { readonly at: number; readonly reason: string }[] = [];
  // What is over already when it is asked for is over at once.
  const end = (at: number, reason: string) => ends.push({ at: Math.max(at, from), reason });
  if (maxConnectionDurationMs !== undefined) end(one.openedAt + maxConnectionDurationMs, 'max_duration');
  if (one.kind === 'http1') end(one.openedAt + http1IdleTimeoutMs, 'idle_timeout');
  else if (interval === undefined) one.pings = undefined;
  else {
    one.pings ??= { quietSince: from, sentAt: undefined };
    const sentAt = one.pings.sentAt ?? Math.max(one.pings.quietSince + interval, from);
    if (sentAt <= until) one.pings = { ...one.pings, sentAt };
    end(sentAt + (http.http2KeepaliveTimeoutMs ?? 0), 'ping_timeout');
  }
  const first = Math.min(...ends.map(({ at }) => at));
  if (first > until) return;
  // At the same time one of them is the first.
  one.ended = ends.filter(({ at }) => at - first < STEP_MS).map(({ reason }) => reason);
}

async function compare(open: readonly Modelled[], merged: (section: Section, at: Port) => Policy | undefined) {
  const found = await rows();
  for (const { kind, port: at, id, ended } of open) {
    const row = found.find((one) => one.id === id);
    if (ended.length > 0) {
      assert.equal(row, undefined, `${kind} ${id} is open after ${ended}`);
      assert.ok(ended.includes(reasons.get(id) ?? ''), `${kind} ${id} ended as ${reasons.get(id)}, not ${ended}`);
      continue;
    }
    const tcp = merged('tcp', at);
    assert.ok(row !== undefined, `${kind} ${id} ended as ${reasons.get(id)}`);
    const { timeMs = 180_000, intervalMs = 180_000, retries = 9 } = tcp?.section === 'tcp' ? tcp.settings : {};
    const values = { idleSeconds: timeMs / 1_000, intervalSeconds: intervalMs / 1_000, probes: retries };
    if (tcp === undefined) assert.equal(row.keepalive.enabled, false);
    else assert.deepEqual(row.keepalive, { enabled: true, ...values, userTimeoutMs: 0 });
    const http = kind === 'tcp' ? undefined : merged('http', at);
    for (const [policy, key] of [
      [tcp, row.policy.tcp],
      [http, row.policy.http],
    ] as const) {
      assert.ok(policy === undefined ? key === null : policy.resources.some((resource) => resource.key === key));
    }
  }
}

function httpOf(policy: Policy | undefined): HttpSettings {
  return policy?.section === 'http' ? policy.settings : {};
}

/** On a gateway one resource; on both ports of a place one each. */
function toPolicy(at: Place, settings: Settings): Policy {
  const targets = at === 'gateway' ? [undefined] : Object.values(ports[at]);
  const resources = (frontend: FrontendPolicy) =>
    targets.map(
      (target): GatewayResource => ({
        kind: 'policy',
        key: `frontend/${GATEWAY.namespace}/random:frontend-${frontend.section}:${target ?? 'gateway'}`,
        name: { kind: 'AgentgatewayPolicy', namespace: GATEWAY.namespace, name: 'random' },
        target: { gateway: GATEWAY, ...(target !== undefined && { port: target }) },
        frontend,
      }),
    );
  if ('tcp' in settings) {
    const keepalive = settings.tcp;
    return { section: 'tcp', settings: keepalive, resources: resources({ section: 'tcp', keepalive }) };
  }
  const { http } = settings;
  return { section: 'http', settings: http, resources: resources({ section: 'http', http }) };
}

/** A client that has had its first answer and says nothing any more: it acknowledges no PING and no GOAWAY. */
async function connect(kind: Kind, { http, tcp }: { readonly http: number; readonly tcp: number }) {
  const client = await rawClient(kind === 'tcp' ? tcp : http);
  if (kind === 'http1') client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  else if (kind === 'http2') {
    client.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  } else client.socket.write('hello\n');
  await eventually(() => (kind === 'http2' ? client.received() !== '' : client.received().endsWith('hello\n')));
  await turns();
  // By its two ends: a client's port may be in use towards both listeners.
  const { localPort, remotePort } = client.socket;
  const row = (await rows()).find((one) => one.peer.endsWith(`:${localPort}`) && one.local.endsWith(`:${remotePort}`));
  assert.ok(row !== undefined, `${kind} from ${localPort} is on no page`);
  return { socket: client.socket, id: row.id };
}

function rows(): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    get({ port: world.worker.ports().admin, path: '/connections', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve((JSON.parse(text) as { readonly connections: readonly Row[] }).connections));
    }).on('error', reject);
  });
}

/** Lets the real event loop do what is to be done now. */
async function turns(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await turn();
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = process.hrtime.bigint() + 5_000_000_000n;
  while (!(await holds())) {
    if (process.hrtime.bigint() > end) throw new Error(`not so within 5 s: ${holds}`);
    await turn();
  }
}
