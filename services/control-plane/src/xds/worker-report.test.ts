import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { WorkerReport } from '@pulseplane/tunnel';
import { RESOURCE_TYPE_URL } from '@pulseplane/wire';
import { createDiscoveryServer, observers, type ResourceSet, runAdsClient } from '@pulseplane/xds';
import { Fleet } from './fleet.ts';
import { FleetMetrics } from './fleet-metrics.ts';
import { recordOf } from './type-record.ts';
import { workerReport } from './worker-report.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('a worker is told of with what it was sent, holds and refuses, also after it has gone; and is counted', async (context) => {
  const now = () => new Date();
  const log = createMemoryEventLog();
  const fleet = new Fleet(SILENT, now);
  let committedAt = Date.now() - 60;
  const metrics = new FleetMetrics(
    () => committedAt,
    now,
    () => fleet.streams(),
  );
  let resources: ResourceSet = new Map();
  const watchers = new Set<() => void>();
  const server = createDiscoveryServer({
    source: {
      resources: ({ role }) => (role === 'ns~gw' ? resources : new Map()),
      watch: (_node, changed) => {
        watchers.add(changed);
        return () => watchers.delete(changed);
      },
    },
    observer: observers(fleet, metrics),
    identifier: 'test',
    limits: { maxStreamsPerNode: 1 },
  });
  context.after(() => server.close());
  const port = await server.listen('127.0.0.1', 0);
  const publish = (versions: Readonly<Record<string, string>>): void => {
    resources = new Map(
      Object.entries(versions).map(([name, version]) => [name, { name, version, body: Buffer.from(version) }]),
    );
    for (const changed of watchers) changed();
  };
  const connect = (id: string, role: string) =>
    runAdsClient({
      address: `127.0.0.1:${port}`,
      node: { id, role },
      typeUrl: RESOURCE_TYPE_URL,
      random: () => 0,
      onState: () => undefined,
      take: (response) =>
        response.resources.filter(({ version }) => version === 'bad').map(({ name }) => ({ name, error: 'is bad' })),
    });
  type Report = {
    readonly node: string;
    readonly connected: boolean;
    readonly message?: string;
    readonly configuration?: { readonly source: string; readonly saveError?: string; readonly ageSeconds: number };
    readonly connections?: object;
    readonly policies?: readonly object[];
    readonly types: readonly [{ readonly state: string; readonly nacked?: object; readonly lagSeconds: number }];
  };
  const peers = { open: 1, closes: new Map([['peer', 2]]), socketOptionErrors: 0 };
  const own: WorkerReport = {
    nonce: '',
    connections: new Map(),
    ports: new Map(),
    configuration: { source: 'disk', acceptedAt: new Date(0), saveError: 'ENOSPC' },
    counts: {
      ...peers,
      closes: new Map([...peers.closes, ['ping_timeout', 3], ['keepalive_timeout', 4]]),
      policies: new Map([['policy/a', peers]]),
    },
  };
  const reported = ({ id }: { readonly id: string }) => (id === 'w1' ? own : undefined);
  const report = () =>
    workerReport({ streams: () => fleet.streams(), log, reported, now }) as unknown as readonly Report[];
  const until = async (holds: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + 5_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5))) {
      assert(Date.now() < deadline, JSON.stringify(report()));
    }
  };

  publish({ a: '1' });
  const stop = connect('w1', 'ns~gw');
  await until(() => report()[0]?.types[0]?.state === 'acked');
  assert.equal(report()[0]?.types[0]?.lagSeconds, 0);
  assert.match(report()[0]?.message ?? '', /there is no Gateway gw in namespace ns/);
  const acknowledged = () => recordOf(fleet.streams()[0]?.types ?? [], RESOURCE_TYPE_URL)?.acked?.version;
  const former = acknowledged();
  await new Promise((resolve) => setTimeout(resolve, 100));
  committedAt = Date.now() - 60;
  publish({ a: '2' });
  await until(() => acknowledged() !== former);
  publish({ a: '3', b: 'bad' });
  await until(() => report()[0]?.types[0]?.state === 'nacked');
  const told: Readonly<Record<string, unknown>> = { ...report()[0]?.types[0]?.nacked };
  const { at, version, ...nacked } = told;
  assert(typeof at === 'string' && typeof version === 'string');
  const resource = { name: 'b', error: 'is bad' };
  assert.deepEqual(nacked, { message: '[{"key":"b","error":"is bad"}]', resources: [resource] });
  assert((report()[0]?.types[0]?.lagSeconds ?? 0) > 0);

  const { configuration, connections, policies } = report()[0] ?? {};
  assert.equal(configuration?.source, 'disk');
  assert.equal(configuration?.saveError, 'ENOSPC');
  assert((configuration?.ageSeconds ?? 0) > 1e9);
  const closes = { peer: 2, ping_timeout: 3, keepalive_timeout: 4 };
  assert.deepEqual(connections, { open: 1, closes, keepaliveFailures: 7, socketOptionErrors: 0 });
  const one = { policy: 'policy/a', open: 1, closes: { peer: 2 }, keepaliveFailures: 0, socketOptionErrors: 0 };
  assert.deepEqual(policies, [one]);

  const stopOther = connect('w2', 'nonsense');
  const stopSecond = connect('w1', 'ns~gw');
  await until(() => report().find(({ node }) => node === 'w2')?.types[0]?.state === 'acked');
  assert.match(report().find(({ node }) => node === 'w2')?.message ?? '', /names no gateway/);
  const { text: whileBehind } = await metrics.read();
  assert.match(whileBehind, /^pulseplane_xds_streams_behind\{type="agentgateway\S+ 1$/m);
  assert.match(whileBehind, /^pulseplane_xds_lag_seconds\{type="agentgateway\S+ (?!0$)[\d.]+$/m);
  const refused = /^pulseplane_xds_streams_refused_total\{reason="limit"\} [1-9]/m;
  for (let tries = 0; !refused.test((await metrics.read()).text); tries += 1) {
    assert(tries < 500, 'a second stream of w1 is refused');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stopSecond();
  stopOther();
  stop();
  await until(() => report().length === 2 && report().every(({ connected }) => !connected));
  assert.equal(report().find(({ node }) => node === 'w1')?.types[0]?.state, 'nacked');

  const { text } = await metrics.read();
  const metricOf = (line: string): number => {
    const found = text.split('\n').find((each) => each.startsWith(`${line} `));
    assert(found !== undefined, `${line} is not in ${text}`);
    return Number(found.slice(line.length + 1));
  };
  const type = 'type="agentgateway.dev.resource.Resource"';
  assert.equal(metricOf('pulseplane_xds_streams{variant="delta"}'), 0);
  assert.equal(metricOf(`pulseplane_xds_pushes_total{${type}}`), 4);
  assert(metricOf(`pulseplane_xds_push_bytes_total{${type}}`) > 100);
  assert.equal(metricOf(`pulseplane_xds_nacks_total{${type},reason="resource"}`), 1);
  assert.equal(metricOf(`pulseplane_xds_ack_seconds_bucket{le="0.05",${type}}`), 0, 'from the commit on');
  assert.equal(
    metricOf(`pulseplane_xds_ack_seconds_count{${type}}`),
    1,
    'what is older than a stream is no change to it',
  );
});
