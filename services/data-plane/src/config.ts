import { hostname } from 'node:os';
import { refuse, Settings, workerPort } from '@pulseplane/command-line';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { LogLevel } from '@pulseplane/telemetry';

export type DataPlaneConfig = {
  /** host:port of the control plane's xDS server. */
  readonly controlPlane: string;
  readonly gateway: GatewayName;
  readonly nodeId: string;
  /** The namespace that the worker itself is shown in. */
  readonly namespace: string;
  /** Where the last accepted configuration is kept. */
  readonly stateDir: string;
  readonly listenAddress: string;
  /** How many processes serve the gateway. */
  readonly workers: number;
  /** Other workers on this machine may listen on the gateway's ports too. */
  readonly sharePorts: boolean;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly metricsPort: number;
  readonly readinessPort: number;
  readonly accessLog: boolean;
  readonly logLevel: LogLevel;
};

type Values = Omit<DataPlaneConfig, 'gateway'> & { readonly gateway: string };

const PROGRAM = 'data-plane';

/** Reads flags and environment; ends the process with code 2 and one line when they are wrong. */
export function parseDataPlaneConfig(argv: readonly string[]): DataPlaneConfig {
  const values = new Settings(PROGRAM, 'Serves the listeners of one gateway and enforces its keepalive policies.')
    .endpoint('control-plane', 'PULSEPLANE_CONTROL_PLANE', 'where the control plane serves xDS', '127.0.0.1:9978')
    .text('gateway', 'PULSEPLANE_GATEWAY', 'namespace/name', 'the Gateway to serve', 'httpbin/agentgateway-proxy')
    .text(
      'node-id',
      'PULSEPLANE_NODE_ID',
      'id',
      'how this worker is named to the control plane',
      `${hostname()}-${process.pid}`,
    )
    .text('namespace', 'PULSEPLANE_NAMESPACE', 'name', 'the namespace to be shown in', 'agentgateway-system')
    .text('state-dir', 'PULSEPLANE_STATE_DIR', 'dir', 'where the last accepted configuration is kept', '.pulseplane')
    .address('listen-address', 'PULSEPLANE_LISTEN_ADDRESS', "address of the gateway's listeners", '127.0.0.1')
    .count('workers', 'PULSEPLANE_WORKERS', 'how many worker processes share the ports', 1)
    .flag('share-ports', 'PULSEPLANE_SHARE_PORTS', 'listen beside other workers that share their ports too')
    .address('admin-address', 'PULSEPLANE_ADMIN_ADDRESS', 'address of admin, metrics and readiness', '127.0.0.1')
    .port('admin-port', 'PULSEPLANE_ADMIN_PORT', 'port of the admin pages', 15_000)
    .port('metrics-port', 'PULSEPLANE_METRICS_PORT', 'port of the metrics', 15_020)
    .port('readiness-port', 'PULSEPLANE_READINESS_PORT', 'port of the readiness check', 15_021)
    .flag('access-log', 'PULSEPLANE_ACCESS_LOG', 'log each request and each connection')
    .insecure()
    .logLevel()
    .parse<Values>(argv, ['listenAddress', 'adminAddress']);
  const [, namespace, name] = /^([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})$/.exec(values.gateway) ?? [];
  if (namespace === undefined || name === undefined) {
    refuse(PROGRAM, `--gateway (PULSEPLANE_GATEWAY): ${JSON.stringify(values.gateway)} is not <namespace>/<name>`);
  }
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(values.namespace)) {
    refuse(
      PROGRAM,
      `--namespace (PULSEPLANE_NAMESPACE): ${JSON.stringify(values.namespace)} is not a namespace's name`,
    );
  }
  const highest = workerPort(Math.max(values.adminPort, values.metricsPort, values.readinessPort), values.workers - 1);
  if (highest > 65_535) {
    refuse(PROGRAM, `--workers (PULSEPLANE_WORKERS): the last of ${values.workers} would need the port ${highest}`);
  }
  return Object.freeze({ ...values, gateway: { namespace, name } });
}
