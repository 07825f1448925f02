import { resolve } from 'node:path';
import { Settings } from '@pulseplane/command-line';
import type { LogLevel } from '@pulseplane/telemetry';

/** What runs on this machine, and where. */
export type UpConfig = {
  readonly dataDir: string;
  /** The control plane's; it has credentials in it: never to be shown. */
  readonly natsUrl: string | undefined;
  readonly natsAllowWeakStream: boolean;
  readonly address: string;
  readonly insecure: boolean;
  readonly restPort: number;
  readonly xdsPort: number;
  readonly workers: number;
  readonly adminPort: number;
  readonly metricsPort: number;
  readonly readinessPort: number;
  readonly upstreamPort: number;
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly logLevel: LogLevel;
};

/** Reads flags and environment; ends the process with code 2 and one line when they are wrong. */
export function parseUpConfig(argv: readonly string[]): UpConfig {
  const values = new Settings('pulse up', 'Runs a control plane, a worker and a demo upstream on this machine.')
    .text(
      'data-dir',
      'PULSEPLANE_DATA_DIR',
      'dir',
      'where the event log, the kubeconfig and the logs are kept',
      '.pulseplane',
    )
    .text('nats-url', 'NATS_URL', 'url', 'keep the event log in NATS JetStream: nats://user:password@host:4222')
    .flag('nats-allow-weak-stream', 'NATS_ALLOW_WEAK_STREAM', 'take a stream that may lose what it acknowledged')
    .address('address', 'PULSEPLANE_ADDRESS', 'address that everything listens on', '127.0.0.1')
    .port('rest-port', 'PULSEPLANE_REST_PORT', 'REST API (8080 is where kubectl looks without a kubeconfig)', 8080)
    .port('xds-port', 'PULSEPLANE_XDS_PORT', 'xDS for workers (gRPC)', 9978)
    .count('workers', 'PULSEPLANE_WORKERS', "how many workers share the gateway's ports", 1)
    .port('admin-port', 'PULSEPLANE_ADMIN_PORT', "the worker's admin pages, 100 more for each other one", 15_000)
    .port('metrics-port', 'PULSEPLANE_METRICS_PORT', "the worker's metrics", 15_020)
    .port('readiness-port', 'PULSEPLANE_READINESS_PORT', "the worker's readiness", 15_021)
    .port(
      'upstream-port',
      'PULSEPLANE_UPSTREAM_PORT',
      "the demo upstream (the example backend's port on the first start only)",
      9000,
    )
    .port('http-port', 'PULSEPLANE_HTTP_PORT', "the example gateway's HTTP listener (first start only)", 3000)
    .port('tcp-port', 'PULSEPLANE_TCP_PORT', "the example gateway's TCP listener (first start only)", 3001)
    .insecure()
    .logLevel()
    .parse<UpConfig>(argv, ['address']);
  return Object.freeze({ ...values, dataDir: resolve(values.dataDir) });
}
