import type { SocketOptionError } from '@pulseplane/keepalive';
import type { WorkerCounts } from '@pulseplane/tunnel';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CloseReason } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import { FAULTY, type Faulty } from '../connection/fault.ts';
import type { ConfigurationOrigin } from '../control/configuration.ts';
import type { PoolEvent } from '../upstream/http-client.ts';
import type { UpstreamConnection } from '../upstream/upstream-connection.ts';

/** What the worker counts. */
export type Metrics = {
  readonly registry: Registry;
  connectionOpened(connection: Connection): void;
  connectionClosed(connection: Connection, reason: CloseReason): void;
  socketOptionFailed(error: SocketOptionError): void;
  pingSent(): void;
  pingAcknowledged(rttMs: number): void;
  /** Answers over HTTP/2 were called off because the client gave no window for them. */
  sendsTimedOut(count: number): void;
  configApplied(rejected: number): void;
  /** The configuration was saved, or for an error it could not be. */
  configSaved(error: string | undefined): void;
  upstreamFailed(backend: string): void;
  /** No connection, or no answer, within the settings in force. */
  upstreamTimedOut(backend: string, kind: 'connect' | 'request'): void;
  /** A request found too much under way at its backend. */
  upstreamOverflowed(backend: string): void;
  /** Something happened to a pooled connection to a backend. */
  poolEvent(backend: string, event: PoolEvent): void;
  /** A client found all of the worker's connections taken. */
  connectionRefused(): void;
  /** An exception that nobody had foreseen ended something. */
  faultCaught(ended: Faulty): void;
};

/** What is looked up when the metrics are read. */
export type MetricSources = {
  counts(): WorkerCounts;
  connections(): Iterable<Connection>;
  upstreams(): Iterable<UpstreamConnection>;
  /** Undefined before the first configuration. */
  configuration(): ConfigurationOrigin | undefined;
  isConnected(): boolean;
  binds(): Iterable<{ readonly bind: { readonly key: string }; readonly state: string }>;
};

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'pulseplane_downstream_connections_open',
    help: 'Open connections from clients',
    labelNames: ['listener', 'protocol'],
    registers,
    collect() {
      this.reset();
      for (const { listenerKey, protocol } of sources.connections()) this.inc({ listener: listenerKey, protocol });
    },
  });
  new Gauge({
    name: 'pulseplane_upstream_connections_open',
    help: 'Open connections to backends, idle ones included',
    labelNames: ['backend', 'protocol'],
    registers,
    collect() {
      this.reset();
      for (const { path, protocol } of sources.upstreams()) this.inc({ backend: path.backendKey, protocol });
    },
  });
  new Gauge({
    name: 'pulseplane_bind_up',
    help: 'Whether a configured port is open: 1, or 0 while it cannot be opened',
    labelNames: ['bind'],
    registers,
    collect() {
      this.reset();
      for (const { bind, state } of sources.binds()) this.set({ bind: bind.key }, state === 'listening' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'pulseplane_control_plane_connected',
    help: 'Whether the control plane answers: 1, or 0 while the last configuration stays',
    registers,
    collect() {
      this.set(sources.isConnected() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'pulseplane_config_age_seconds',
    help: 'Since the control plane sent or confirmed the configuration in force; absent before the first',
    labelNames: ['source'],
    registers,
    collect() {
      this.reset();
      const configuration = sources.configuration();
      if (configuration === undefined) return;
      const { source, acceptedAt } = configuration;
      this.set({ source }, (Date.now() - acceptedAt.getTime()) / 1_000);
    },
  });
  const opened = new Counter({
    name: 'pulseplane_downstream_connections_total',
    help: 'Connections from clients, counted when their protocol is known',
    labelNames: ['listener', 'protocol'],
    registers,
  });
  const closed = new Counter({
    name: 'pulseplane_downstream_connection_closes_total',
    help: 'Closed connections by reason',
    labelNames: ['listener', 'protocol', 'reason'],
    registers,
  });
  const keepaliveFailures = new Counter({
    name: 'pulseplane_keepalive_failures_total',
    help: 'Connections closed because the peer did not answer probes (tcp) or PINGs (http2)',
    labelNames: ['kind'],
    registers,
  });
  const optionErrors = new Counter({
    name: 'pulseplane_setsockopt_errors_total',
    help: 'Socket options that could not be read or set',
    labelNames: ['option', 'errno'],
    registers,
  });
  const pings = new Counter({ name: 'pulseplane_http2_pings_sent_total', help: 'HTTP/2 PINGs sent', registers });
  const pingRtt = new Histogram({
    name: 'pulseplane_http2_ping_rtt_seconds',
    help: 'From an HTTP/2 PING to its ACK',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const sendTimeouts = new Counter({
    name: 'pulseplane_http2_send_timeouts_total',
    help: 'Answers over HTTP/2 that were called off because the client gave no window for them',
    registers,
  });
  new Gauge({
    name: 'pulseplane_policy_connections_open',
    help: 'Open connections from clients by the policies in force on them',
    labelNames: ['policy'],
    registers,
    collect() {
      this.reset();
      for (const [policy, { open }] of sources.counts().policies) this.set({ policy }, open);
    },
  });
  new Counter({
    name: 'pulseplane_policy_connection_closes_total',
    help: 'Closed connections by the policies in force on them and reason',
    labelNames: ['policy', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const [policy, { closes }] of sources.counts().policies) {
        for (const [reason, count] of closes) this.inc({ policy, reason }, count);
      }
    },
  });
  new Counter({
    name: 'pulseplane_policy_setsockopt_errors_total',
    help: 'Socket options that a policy asks for and that could not be read or set',
    labelNames: ['policy'],
    registers,
    collect() {
      this.reset();
      for (const [policy, { socketOptionErrors }] of sources.counts().policies)
        this.inc({ policy }, socketOptionErrors);
    },
  });
  const applies = new Counter({
    name: 'pulseplane_config_applies_total',
    help: 'Configuration batches by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const rejected = new Counter({
    name: 'pulseplane_config_rejected_resources_total',
    help: 'Resources that were refused',
    registers,
  });
  const saves = new Counter({
    name: 'pulseplane_config_saves_total',
    help: 'Writes of the accepted configuration to disk, by the errno or ok',
    labelNames: ['outcome'],
    registers,
  });
  const upstreamFailures = new Counter({
    name: 'pulseplane_upstream_failures_total',
    help: 'Requests and connections that failed upstream',
    labelNames: ['backend'],
    registers,
  });
  const upstreamTimeouts = new Counter({
    name: 'pulseplane_upstream_timeouts_total',
    help: 'No connection within connectTimeout (connect), or no answer within requestTimeout (request)',
    labelNames: ['backend', 'kind'],
    registers,
  });
  const upstreamOverflows = new Counter({
    name: 'pulseplane_upstream_overflows_total',
    help: 'Requests refused because too many were under way at the backend and waited for it',
    labelNames: ['backend'],
    registers,
  });
  const poolEvents = new Counter({
    name: 'pulseplane_upstream_pool_events_total',
    help: 'Pooled connections that did not answer a PING (evicted), requests sent again (retried), backends that complained of PINGs (too_many_pings)',
    labelNames: ['backend', 'event'],
    registers,
  });
  const refused = new Counter({
    name: 'pulseplane_downstream_connections_refused_total',
    help: 'Connections from clients closed at accept because all that the worker takes were open',
    registers,
  });
  const faults = new Counter({
    name: 'pulseplane_faults_total',
    help: 'Exchanges, connections from clients (connection) and connections to backends (upstream) that an error of the worker itself ended',
    labelNames: ['ended'],
    registers,
  });
  for (const ended of FAULTY) faults.inc({ ended }, 0);
  for (const kind of ['tcp', 'http2']) keepaliveFailures.inc({ kind }, 0);

  return {
    registry,
    connectionOpened: ({ listenerKey, protocol }) => opened.inc({ listener: listenerKey, protocol }),
    connectionClosed({ listenerKey, protocol }, reason) {
      closed.inc({ listener: listenerKey, protocol, reason });
      if (reason === 'keepalive_timeout') keepaliveFailures.inc({ kind: 'tcp' });
      if (reason === 'ping_timeout') keepaliveFailures.inc({ kind: 'http2' });
    },
    socketOptionFailed: (error) =>
      optionErrors.inc(
        error.kind === 'errno' ? { option: error.option, errno: error.errno } : { option: 'any', errno: 'unsupported' },
      ),
    pingSent: () => pings.inc(),
    sendsTimedOut: (count) => sendTimeouts.inc(count),
    pingAcknowledged: (rttMs) => pingRtt.observe(rttMs / 1_000),
    configApplied(count) {
      applies.inc({ outcome: count === 0 ? 'accepted' : 'partly_rejected' });
      if (count > 0) rejected.inc(count);
    },
    configSaved: (error) => saves.inc({ outcome: error ?? 'ok' }),
    upstreamFailed: (backend) => upstreamFailures.inc({ backend }),
    upstreamTimedOut: (backend, kind) => upstreamTimeouts.inc({ backend, kind }),
    upstreamOverflowed: (backend) => upstreamOverflows.inc({ backend }),
    poolEvent: (backend, event) => poolEvents.inc({ backend, event }),
    connectionRefused: () => refused.inc(),
    faultCaught: (ended) => faults.inc({ ended }),
  };
}
