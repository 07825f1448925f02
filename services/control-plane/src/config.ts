import { Settings } from '@pulseplane/command-line';
import type { LogLevel } from '@pulseplane/telemetry';

export type ControlPlaneConfig = {
  readonly restAddress: string;
  readonly restPort: number;
  readonly xdsAddress: string;
  readonly xdsPort: number;
  /** In seconds. */
  readonly xdsMaxConnectionAge: number;
  readonly dataDir: string;
  /** What opens the Secrets of the log; when left out, a file of the data directory, but for a log in NATS. */
  readonly secretKeyFile: string | undefined;
  /** With it, the log is a JetStream stream. It has credentials in it: never to be shown. */
  readonly natsUrl: string | undefined;
  readonly natsAllowWeakStream: boolean;
  /** Manifests to load when the log is empty. */
  readonly seed: readonly string[];
  /** Host names, besides loopback, that requests may be addressed to. */
  readonly allowedHost: readonly string[];
  readonly logLevel: LogLevel;
};

/** Reads flags and environment; ends the process with code 2 and one line when they are wrong. */
export function parseControlPlaneConfig(argv: readonly string[]): ControlPlaneConfig {
  return new Settings('control-plane', 'Keeps policies in an event log and distributes them to workers over xDS.')
    .address('rest-address', 'PULSEPLANE_REST_ADDRESS', 'address of the REST API', '127.0.0.1')
    .port('rest-port', 'PULSEPLANE_REST_PORT', 'port of the REST API', 8080)
    .address('xds-address', 'PULSEPLANE_XDS_ADDRESS', 'address of the xDS server', '127.0.0.1')
    .port('xds-port', 'PULSEPLANE_XDS_PORT', 'port of the xDS server', 9978)
    .count(
      'xds-max-connection-age',
      'PULSEPLANE_XDS_MAX_CONNECTION_AGE',
      'seconds after which a worker is asked to connect anew, give or take a tenth',
      86_400,
    )
    .text('data-dir', 'PULSEPLANE_DATA_DIR', 'dir', 'where the event log is kept', '.pulseplane')
    .text(
      'secret-key-file',
      'PULSEPLANE_SECRET_KEY_FILE',
      'file',
      'keys that Secrets are sealed with (see docs/event-log.md)',
    )
    .text('nats-url', 'NATS_URL', 'url', 'keep the event log in NATS JetStream: nats://user:password@host:4222')
    .flag('nats-allow-weak-stream', 'NATS_ALLOW_WEAK_STREAM', 'take a stream that may lose what it acknowledged')
    .texts('seed', 'PULSEPLANE_SEED', 'file', 'manifest, or folder of them, to load when the log is empty; repeatable')
    .texts(
      'allowed-host',
      'PULSEPLANE_ALLOWED_HOSTS',
      'name',
      'host name that requests may be addressed to; repeatable',
    )
    .insecure()
    .logLevel()
    .parse<ControlPlaneConfig>(argv, ['restAddress', 'xdsAddress']);
}
