import { createPingKeepalive, type SocketOptionError } from '@pulseplane/keepalive';
import type { Bind, GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { ConfigurationReport, WorkerCounts } from '@pulseplane/tunnel';
import { createAdmin } from './admin/admin.ts';
import { createReadiness } from './admin/readiness.ts';
import type { CloseReason } from './connection/close-reason.ts';
import type { Connection } from './connection/connection.ts';
import { createConnectionCounter } from './connection/connection-counts.ts';
import { deadPeerError } from './connection/dead-peer.ts';
import { enforce } from './connection/enforce.ts';
import type { OnFault } from './connection/fault.ts';
import { longTimeout } from './connection/long-timeout.ts';
import { createConnectionRegistry } from './connection/registry.ts';
import { createRejudge } from './connection/rejudge.ts';
import { createSweep } from './connection/sweep.ts';
import type { ConfigurationOrigin } from './control/configuration.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { type BindStatus, createBindManager } from './listener/bind-manager.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createAccessLog } from './proxy/access-log.ts';
import type { Carry } from './proxy/carry.ts';
import { createProxy } from './proxy/proxy.ts';
import { applyBatch, type Batch, type Reject } from './tables/apply-batch.ts';
import { backendByPath, EMPTY_TABLES, frontendByPort } from './tables/tables.ts';
import type { TcpSocket } from './transport/tcp-socket.ts';
import { createUpstreams, type UpstreamsContext } from './upstream/upstreams.ts';

export type WorkerOptions = {
  /** Where the configured ports listen. */
  readonly listenAddress: string;
  /** Other workers may listen there too. */
  readonly sharePorts?: boolean;
  /** Where the worker's own three ports listen. Port 0 takes a free one. */
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly metricsPort: number;
  readonly readinessPort: number;
  /** Host names under which the own ports may be called, besides loopback names and IP addresses. */
  readonly adminHosts?: readonly string[];
  readonly gateway: GatewayName;
  readonly logger: Logger;
  readonly version: string;
  /** Somebody asked on the admin port that the worker end. */
  readonly onQuit?: () => void;
  readonly upstream?: Pick<UpstreamsContext, 'headersTimeoutMs'>;
  /** In place of those that follow from the process's descriptors. */
  readonly limits?: Partial<Limits>;
  /** One line in the log for each request and each connection. */
  readonly accessLog?: boolean;
  /** Told when a configured port is open now, or cannot be opened. */
  readonly onBindStatus?: () => void;
  /** Share of the PING interval, 0 to 0.15, by which a PING may come earlier. */
  readonly pingJitter?: number;
  /** Share of maxConnectionDuration, 0 to 1, by which a connection may end earlier. */
  readonly durationJitter?: number;
  /** For a test that wants a certain way of carrying raw bytes, between streams. */
  readonly carry?: Carry;
};

export type Worker = {
  /** Opens the worker's own ports. Rejects with an `EndpointListenError` when one is busy. */
  start(): Promise<void>;
  /** Takes a batch over: tables, ports, open connections. */
  apply(batch: Batch): { readonly rejects: readonly Reject[] };
  /** A configuration is in force, or has been confirmed; from the first on the worker is ready. */
  configured(origin?: ConfigurationOrigin): void;
  /** The configuration was saved, or for an error it could not be. */
  saved(error: string | undefined): void;
  /** Whether the control plane answers. */
  connected(isConnected: boolean): void;
  /** Stops accepting, lets connections finish, closes the rest after `deadlineMs`, then everything else. */
  drain(deadlineMs: number): Promise<void>;
  /** How many connections are open on each configured port that has any. */
  connectionsPerPort(): ReadonlyMap<number, number>;
  /** What became of connections, for each policy too. */
  counts(): WorkerCounts;
  /** The configuration in force; undefined before the first. */
  configuration(): ConfigurationReport | undefined;
  /** How the configured ports are. */
  binds(): readonly BindStatus[];
  /** The worker's own ports in use. */
  ports(): { readonly admin: number; readonly metrics: number; readonly readiness: number };
};

/** How long the connections of a port or listener that is gone may go on. */
const REMOVED_GRACE_MS = 5_000;
const DURATION_JITTER = 0.1;
const SWEEP_MS = 500;
const NOTABLE: ReadonlySet<CloseReason> = new Set(['keepalive_timeout', 'ping_timeout', 'flood', 'error']);

/** One worker: everything but where its configuration comes from. */
export function createWorker(options: WorkerOptions): Worker {
  const { logger, gateway } = options;
  let tables = EMPTY_TABLES;
  let frontend = frontendByPort(tables, gateway);
  let backend = backendByPath(tables);
  let draining = false;
  let full = false;
  let origin: ConfigurationOrigin | undefined;
  let saveError: string | undefined;
  let isConnected = false;

  const readiness = createReadiness(['config']);
  const pings = createPingKeepalive(options.pingJitter === undefined ? {} : { jitter: options.pingJitter });
  const limits: Limits = { ...defaultLimits(), ...options.limits };
  const onFault: OnFault = (ended, { message, stack }, id) => {
    metrics.faultCaught(ended);
    logger.error({ ended, id, error: message, stack }, 'an error of the worker itself; only what it ended is lost');
  };
  const registry = createConnectionRegistry((connection, reason) => {
    counter.closed(connection, reason);
    metrics.connectionClosed(connection, reason);
    const fields = {
      connection: connection.id,
      peer: connection.peer,
      via: connection.via,
      listener: connection.listenerKey,
      serverName: connection.serverName,
      tls: connection.secured?.getProtocol() ?? undefined,
      protocol: connection.protocol,
      reason,
      error: connection.error,
      ageMs: Math.round(performance.now() - connection.acceptedAt),
      bytesIn: connection.transport.bytesRead,
      bytesOut: connection.bytesOut,
    };
    if (options.accessLog === true || NOTABLE.has(reason)) logger.info(fields, 'connection closed');
    else logger.debug(fields, 'connection closed');
  }, onFault);
  const binds = createBindManager({
    ...options,
    logger,
    isRaw: ({ protocol, port }) =>
      options.carry === undefined && protocol === 'tcp' && frontend(port).proxyProtocol === undefined,
    onConnection: (bind, socket) => accept(bind, socket),
    onStatus: options.onBindStatus ?? (() => undefined),
  });
  const counter = createConnectionCounter(() => registry.all());
  const metrics = createMetrics({
    counts: counter.read,
    connections: () => registry.all(),
    upstreams: () => upstreams.all(),
    binds: () => binds.status(),
    configuration: () => origin,
    isConnected: () => isConnected,
  });
  const socketOptionFailed = (error: SocketOptionError, policyKey?: string) => {
    counter.socketOptionFailed(policyKey);
    metrics.socketOptionFailed(error);
  };
  const policyVersion = (key: string) => tables.versions.get(`policy/${key}`);
  const upstreams = createUpstreams({
    ...options.upstream,
    logger,
    limits,
    backend: (key) => tables.backends.get(key),
    settings: (path) => backend(path),
    onPoolEvent: metrics.poolEvent,
    onFault,
    onSocketOptionError: socketOptionFailed,
    policyVersion,
  });
  const enforcement = {
    logger,
    onSocketOptionError: socketOptionFailed,
    policyVersion,
    durationJitter: options.durationJitter ?? DURATION_JITTER,
  };

  const judge = (connection: Connection) => {
    if (isGone(connection)) return retire(connection);
    takeBack(connection);
    enforce(connection, frontend(connection.bind.port), enforcement);
  };
  const rejudge = createRejudge(
    () => registry.all(),
    (connection) => connection.guard(() => judge(connection)),
  );
  const rejudgeUpstreams = createRejudge(() => upstreams.all(), upstreams.judge);
  const checkClients = createSweep(registry.all(), (connection, now) => {
    try {
      const error = deadPeerError(connection, connection.keepaliveArmed ? connection.tcp?.current : undefined, now);
      if (error !== undefined) connection.fail(error);
    } catch (thrown) {
      connection.fault(thrown);
    }
  });
  const checkUpstreams = createSweep(upstreams.all(), (upstream, now) => {
    try {
      const error = deadPeerError(upstream, upstream.keepalive, now);
      if (error !== undefined) upstream.transport.destroy(error);
    } catch (thrown) {
      upstreams.fault(upstream, thrown);
    }
  });
  const sweepTimer = setInterval(() => {
    checkClients.start();
    checkUpstreams.start();
  }, SWEEP_MS);
  sweepTimer.unref();

  const proxy = createProxy({
    logger,
    accessLog: options.accessLog === true ? createAccessLog(logger) : undefined,
    pings,
    upstreams,
    limits,
    carry: options.carry,
    tables: () => tables,
    frontend: (port) => frontend(port),
    backend: (path) => backend(path),
    onProtocol(connection) {
      metrics.connectionOpened(connection);
      judge(connection);
    },
    onUpgraded: judge,
    onPing: metrics.pingSent,
    onPingAck: metrics.pingAcknowledged,
    onSendTimeouts: metrics.sendsTimedOut,
    onUpstreamFailure: metrics.upstreamFailed,
    onUpstreamTimeout: metrics.upstreamTimedOut,
    onUpstreamOverflow: metrics.upstreamOverflowed,
    onFault,
  });

  const accept = (bind: Bind, socket: TcpSocket) => {
    if (registry.size >= limits.clientConnections) {
      socket.destroy();
      metrics.connectionRefused();
      if (!full) logger.warn({ open: registry.size }, 'all connections are taken, new ones are refused');
      full = true;
      return;
    }
    full = false;
    // Registered before anything is looked up: a change of the tables from here on finds this connection.
    const listenerKey = tables.listenersByBind.get(bind.key)?.[0]?.key ?? bind.key;
    const connection = registry.add(bind, listenerKey, socket);
    connection.guard(() => {
      judge(connection);
      proxy.serve(connection);
    });
  };

  const isGone = ({ bind, protocol, listenerKey, secured }: Connection): boolean => {
    const still = tables.binds.find(({ key }) => key === bind.key);
    // A port that changed its protocol has the same key, and nothing for those who speak the former one.
    if (still?.port !== bind.port || still.protocol !== bind.protocol) return true;
    // Over HTTP alone a connection belongs to no listener: each request goes to the one that its host names.
    if (protocol === 'unknown' || bind.protocol === 'http') return false;
    const listener = tables.listenersByBind.get(bind.key)?.find(({ key }) => key === listenerKey);
    return listener === undefined || (listener.tls !== undefined) !== (secured !== undefined);
  };

  const retire = (connection: Connection) => {
    if (connection.cancelRetirement !== undefined) return;
    connection.closeGracefully('listener_removed');
    connection.cancelRetirement = longTimeout(REMOVED_GRACE_MS, () => connection.close('listener_removed'));
  };

  /** Its listener came back in time, and it has not begun to end. */
  const takeBack = (connection: Connection) => {
    if (connection.reason !== undefined) return;
    connection.cancelRetirement?.();
    connection.cancelRetirement = undefined;
  };

  const admin = createAdmin({
    address: options.adminAddress,
    ports: { admin: options.adminPort, metrics: options.metricsPort, readiness: options.readinessPort },
    hosts: options.adminHosts ?? [],
    quit: () => options.onQuit?.(),
    tables: () => tables,
    connections: () => registry.all(),
    upstreams: () => upstreams.all(),
    dump: () => ({
      listenAddress: options.listenAddress,
      binds: binds.status(),
      version: options.version,
      config: {
        gateway: gateway.name,
        namespace: gateway.namespace,
        listenAddress: options.listenAddress,
        ...(origin !== undefined && { source: origin.source, acceptedAt: origin.acceptedAt.toISOString() }),
      },
    }),
    registry: metrics.registry,
    readiness,
  });

  return {
    start: () => admin.listen(),
    apply(batch) {
      const result = applyBatch(tables, batch);
      metrics.configApplied(result.rejects.length);
      for (const { name, error } of result.rejects) logger.warn({ resource: name, error }, 'a resource was refused');
      if (result.tables === tables) return { rejects: result.rejects };
      tables = result.tables;
      frontend = frontendByPort(tables, gateway);
      backend = backendByPath(tables);
      if (!draining) binds.reconcile(tables.binds);
      counter.keepOnly(new Set(tables.policies.map(({ key }) => key)));
      upstreams.prune(tables.backends.values());
      rejudge.all();
      rejudgeUpstreams.all();
      return { rejects: result.rejects };
    },
    configured(from = { source: 'control_plane', acceptedAt: new Date() }) {
      origin = from;
      readiness.ready('config');
      readiness.note(
        from.source === 'disk'
          ? `with the configuration of ${from.acceptedAt.toISOString()} from disk: the control plane does not answer`
          : undefined,
      );
    },
    saved(error) {
      saveError = error;
      metrics.configSaved(error);
    },
    connected(is) {
      isConnected = is;
    },
    async drain(deadlineMs) {
      draining = true;
      readiness.wait('drain');
      await binds.close();
      for (const connection of [...registry.all()]) connection.closeGracefully('drain');
      const cancel = longTimeout(deadlineMs, () => {
        for (const connection of [...registry.all()]) connection.close('drain');
      });
      // The deadline's timer does not keep the process alive, so an interval does while connections last.
      const hold = setInterval(() => undefined, 60_000);
      await registry.whenEmpty();
      clearInterval(hold);
      cancel();
      clearInterval(sweepTimer);
      pings.close();
      proxy.close();
      await upstreams.close();
      await admin.close();
    },
    connectionsPerPort() {
      const counts = new Map<number, number>();
      for (const { bind } of registry.all()) counts.set(bind.port, (counts.get(bind.port) ?? 0) + 1);
      return counts;
    },
    counts: counter.read,
    configuration: () => origin && { ...origin, ...(saveError !== undefined && { saveError }) },
    binds: binds.status,
    ports: admin.portsInUse,
  };
}
