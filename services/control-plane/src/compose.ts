import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createMemoryEventLog, type EventLog, StorageFault } from '@pulseplane/event-log';
import { type ObjectSource, Projection } from '@pulseplane/projection';
import type { Logger } from '@pulseplane/telemetry';
import { createTunnelServer } from '@pulseplane/tunnel';
import { createDiscoveryServer, observers } from '@pulseplane/xds';
import {
  ClusterView,
  ConditionTimes,
  createApi,
  EventRecorder,
  RecordedEvents,
  StatusChanges,
  seed,
} from './api/index.ts';
import { bootstrap } from './command/index.ts';
import type { ControlPlaneConfig } from './config.ts';
import { openLog } from './open-log.ts';
import { ProjectionLoad } from './projection-load.ts';
import { createClientStatus } from './xds/client-status.ts';
import { EnvoyNotices } from './xds/envoy-notices.ts';
import { envoyTranslation } from './xds/envoy-translation.ts';
import { Fleet } from './xds/fleet.ts';
import { FleetMetrics } from './xds/fleet-metrics.ts';
import { followLog } from './xds/follow-log.ts';
import { GatewaySnapshots } from './xds/gateway-snapshots.ts';
import { agentgatewayTranslation } from './xds/translation.ts';
import { workerReport } from './xds/worker-report.ts';

type Clock = { readonly now: () => Date; readonly newId: () => string };

export type Started =
  | { readonly kind: 'started'; readonly stop: () => Promise<void> }
  | { readonly kind: 'refused'; readonly reason: string };

/** The stages in the order in which a change passes them. */
export async function compose(config: ControlPlaneConfig, logger: Logger): Promise<Started> {
  const now = (): Date => new Date();
  const newId = (): string => randomUUID();

  // 1. The log: what was acknowledged, durable in a file or a stream.
  const opened = await openLog(config, logger);
  if ('reason' in opened) return { kind: 'refused', reason: opened.reason };
  const { log } = opened;
  const loaded = await firstStart(log, config, { now, newId }, logger);
  if (loaded !== undefined) return { kind: 'refused', reason: loaded };

  // 2. The projection: follows the log, knows each gateway's configuration and every object's status.
  const projection = new Projection(log);
  const load = new ProjectionLoad(projection, logger);
  // 3. The snapshots: a gateway's configuration as named, versioned bytes.
  const translations = [agentgatewayTranslation(), envoyTranslation()];
  const snapshots = new GatewaySnapshots({ projection, logger, translations, isLoading: () => !load.isDone });

  // 4. The streams: distribute the snapshots, and observe what the workers answer.
  const fleet = new Fleet(logger, now, {
    sourcesOf: (node, typeUrl, name) => snapshots.sourcesOf(node, typeUrl, name),
  });
  const metrics = new FleetMetrics(
    (role) => snapshots.changedAt(role),
    now,
    () => fleet.streams(),
  );
  const tunnels = createTunnelServer({ onReport: (worker, report) => fleet.reported(worker, report) });
  const ads = createDiscoveryServer({
    source: snapshots,
    observer: observers(fleet, metrics),
    services: [tunnels, createClientStatus(() => fleet.streams())],
    identifier: hostname(),
    maxConnectionAgeMs: config.xdsMaxConnectionAge * 1_000,
  });

  const clusterView = new ClusterView({
    workers: () => fleet.workers(),
    onWorkers: (listener) => fleet.onWorkers(listener),
    now,
  });

  // 5. The Events: what follows from the log and from the workers' answers, told to people.
  const conditionTimes = new ConditionTimes(log);
  const statusOf = conditionTimes.stamped((stored) =>
    projection.status(stored, (gateway) => fleet.observe(gateway, snapshots.hasNews(gateway))),
  );
  const recordedEvents = new RecordedEvents(now);
  const statusChanges = new StatusChanges();
  const recorder = new EventRecorder({
    log,
    statusOf,
    affected: (ref, limit) => projection.affected(ref, limit),
    events: recordedEvents,
    onStatus: (ref) => statusChanges.changed(ref, log.head()),
    isLoading: () => !load.isDone,
    logger,
  });
  const envoyNotices = new EnvoyNotices(projection, fleet);
  fleet.onWorkers(() => {
    if (load.isDone) envoyNotices.fleetChanged();
  });
  load.whenDone(() => {
    snapshots.invalidateAll();
    envoyNotices.fleetChanged();
  });
  followLog(log, projection, snapshots, logger, (event, touched) => {
    conditionTimes.heard(event);
    recorder.changed(event, touched);
    envoyNotices.committed(event.seq, touched);
  });
  fleet.onAnswers((gateway) => recorder.answered(gateway));
  snapshots.onTold((gateway) => recorder.answered(gateway));

  // 6. The door: commands come in here, and status goes out.
  let ready = false;
  const api = await createApi({
    log,
    statusOf: recorder.shown(statusOf),
    statusChanges,
    projectionAt: (seq) => (seq === log.head() ? projection : new Projection(objectsAt(log, seq))),
    clusterView,
    recordedEvents,
    openToWorker: tunnels.open,
    workerReport: tunnels.reported,
    workers: () => workerReport({ streams: () => fleet.streams(), log, reported: tunnels.reported, now }),
    metrics: () => metrics.read(),
    envoyNotices,
    logger,
    now,
    newId,
    allowedHosts: config.allowedHost,
    ready: () => ready,
    whenLoaded: (then) => load.whenDone(then),
  });

  const stop = async (): Promise<void> => {
    ready = false;
    load.stop();
    recorder.close();
    await api.close();
    await ads.close();
    await log.close();
  };
  try {
    await ads.listen(config.xdsAddress, config.xdsPort);
    await api.listen({ host: config.restAddress, port: config.restPort });
  } catch (error) {
    await stop();
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
  ready = true;
  void load.run();
  const { restAddress, restPort, xdsAddress, xdsPort } = config;
  logger.info({ restAddress, restPort, xdsAddress, xdsPort, head: log.head() }, 'control plane is running');
  return { kind: 'started', stop };
}

/** The objects as they were right after an event. */
function objectsAt(log: EventLog, seq: number): ObjectSource {
  return { object: (ref) => log.objectAt(ref, seq), each: (filter) => log.objectsAt(filter, seq) };
}

/**
 * Loads the seed into an empty log: first into one in memory, so that it comes in one append, all or nothing.
 * Gives the reason when a manifest is refused.
 */
async function firstStart(
  log: EventLog,
  { seed: paths }: ControlPlaneConfig,
  { now, newId }: Clock,
  logger: Logger,
): Promise<string | undefined> {
  if (log.head() > 0) {
    await ensure(log, { now, newId }, logger);
    return undefined;
  }
  const draft = createMemoryEventLog();
  await bootstrap(draft, { newId, now: now().toISOString() });
  for (const file of paths.flatMap(manifestFiles)) {
    const result = await seed(draft, readFileSync(file, 'utf8'), { now, newId, via: 'first-start' });
    if (!result.ok) return `--seed ${file}: ${result.error}`;
  }
  // Another replica may be faster: then it has loaded its seed.
  const expected = draft.objects({}).map(({ ref }) => ({ ref, version: 0 }));
  await log.append({ expected, events: draft.read({ from: 1, limit: draft.head() }) });
  return undefined;
}

/** What must be there is, also in a log of before it had to be. A log that cannot be written now is served without. */
async function ensure(log: EventLog, { now, newId }: Clock, logger: Logger): Promise<void> {
  try {
    await bootstrap(log, { newId, now: now().toISOString() });
  } catch (err) {
    if (!(err instanceof StorageFault)) throw err;
    logger.warn({ err }, 'what every log has could not be written: it is tried again at the next start');
  }
}

/** A file itself, or the YAML files of a folder in the order of their names. */
function manifestFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => join(path, file));
}
