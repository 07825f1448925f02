import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onStopRequest, type Program, refuse, Supervisor, workerPort } from '@pulseplane/command-line';
import { LOG_FILES, lockFile } from '@pulseplane/event-log';
import { urlHost } from './address.ts';
import { whyBusy } from './busy-port.ts';
import { parseUpConfig, type UpConfig } from './config.ts';
import { exampleManifests } from './first-start.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { ProgramLog } from './program-log.ts';
import { welcome } from './welcome.ts';

const ROOT = new URL('../../../../', import.meta.url);
const PROGRAM = 'pulse up';
const READY_WITHIN_MS = 60_000;

/** Runs a control plane, a worker and a demo upstream until it is asked to stop. */
export async function up(argv: readonly string[]): Promise<void> {
  const config = parseUpConfig(argv);
  await refuseBusyPorts(config);
  const kubeconfig = join(config.dataDir, 'kubeconfig');
  const manifests = join(config.dataDir, 'first-start.yaml');
  const release = prepareDataDir(config, kubeconfig, manifests);

  const supervisor = new Supervisor({
    say,
    onRefused: (name, reason) => {
      supervisor.stop().then(
        () => refuse(PROGRAM, `${name} refused to start: ${reason}`),
        () => process.exit(1),
      );
    },
  });
  onStopRequest(
    (why) => {
      say(`stopping (${why}) ...`);
      supervisor
        .stop()
        .finally(release)
        .then(
          () => process.exit(0),
          () => process.exit(1),
        );
    },
    () => supervisor.kill(),
  );
  for (const program of programs(config, manifests)) supervisor.start(program);
  if (await ready(config)) process.stdout.write(welcome(config, kubeconfig, supervisor.pids()));
  else say(`not ready after ${READY_WITHIN_MS / 1000} s; see ${join(config.dataDir, 'logs')}`);
}

function say(line: string): void {
  process.stdout.write(`pulseplane: ${line}\n`);
}

/** Asked beforehand, so that the answer is one line and nothing has been started. */
async function refuseBusyPorts(config: UpConfig): Promise<void> {
  const { restPort, xdsPort, adminPort, metricsPort, readinessPort, upstreamPort, httpPort, tcpPort } = config;
  const workers = Array.from({ length: config.workers }, (_, worker) => worker);
  const flags: readonly (readonly [flag: string, port: number])[] = [
    ['rest-port', restPort],
    ['xds-port', xdsPort],
    ...workers.map((worker) => ['admin-port', workerPort(adminPort, worker)] as const),
    ...workers.map((worker) => ['metrics-port', workerPort(metricsPort, worker)] as const),
    ...workers.map((worker) => ['readiness-port', workerPort(readinessPort, worker)] as const),
    ['upstream-port', upstreamPort],
    // With a log, the gateway's listeners are whatever the log says.
    ...(hasLog(config.dataDir)
      ? []
      : ([
          ['http-port', httpPort],
          ['tcp-port', tcpPort],
        ] as const)),
  ];
  const taken = new Map<number, string>();
  for (const [flag, port] of flags) {
    if (port > 65_535) refuse(PROGRAM, `--workers ${config.workers}: the last of them would need the port ${port}`);
    const other = taken.get(port);
    if (other !== undefined)
      refuse(PROGRAM, `--${other} and --${flag} are both ${port}; choose another for one of them`);
    taken.set(port, flag);
    const reason = await whyBusy(config.address, port);
    if (reason !== undefined)
      refuse(PROGRAM, `port ${port} on ${config.address} ${reason}; choose another with --${flag}`);
  }
}

/** A log of its own, or the fold of a stream that it shares. */
function hasLog(dataDir: string): boolean {
  return Object.values(LOG_FILES).some((file) => existsSync(join(dataDir, file)));
}

/** Makes the data directory this process's own until it is released, and writes what others read there. */
function prepareDataDir(config: UpConfig, kubeconfig: string, manifests: string): () => void {
  try {
    mkdirSync(join(config.dataDir, 'logs'), { recursive: true });
    const release = lockFile(join(config.dataDir, 'pulse-up'));
    writeKubeconfig(kubeconfig, `http://${urlHost(config.address)}:${config.restPort}`);
    // The control plane looks at it when its log is empty, and only then.
    writeFileSync(manifests, exampleManifests(new URL('examples/httpbin/', ROOT), config));
    return release;
  } catch (error) {
    refuse(PROGRAM, `--data-dir ${config.dataDir}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Half of V8's own limit: it stays grown, and many connections that are idle take more memory so than by themselves. */
const WORKER_HEAP = '--max-semi-space-size=8';

function programs(config: UpConfig, manifests: string): readonly Program[] {
  const { address, logLevel, dataDir, natsUrl, natsAllowWeakStream } = config;
  const common = ['--log-level', logLevel, ...(config.insecure ? ['--insecure'] : [])];
  const program = (name: string, args: readonly (string | number)[], env: Program['env'] = {}): Program => ({
    name,
    env,
    script: fileURLToPath(new URL(`services/${name}/dist/main.js`, ROOT)),
    args: [...common, ...args.map(String)],
    log: new ProgramLog(join(dataDir, 'logs', `${name}.log`), say),
  });
  return [
    program('demo-upstream', ['--address', address, '--port', config.upstreamPort]),
    program(
      'control-plane',
      [
        ...['--rest-address', address, '--rest-port', config.restPort],
        ...['--xds-address', address, '--xds-port', config.xdsPort],
        ...['--data-dir', dataDir, '--seed', manifests],
      ],
      { ...(natsUrl !== undefined && { NATS_URL: natsUrl }), NATS_ALLOW_WEAK_STREAM: String(natsAllowWeakStream) },
    ),
    program(
      'data-plane',
      [
        ...['--control-plane', `${urlHost(address)}:${config.xdsPort}`, '--gateway', 'httpbin/agentgateway-proxy'],
        ...['--listen-address', address, '--admin-address', address, '--admin-port', config.adminPort],
        ...[
          '--workers',
          config.workers,
          '--metrics-port',
          config.metricsPort,
          '--readiness-port',
          config.readinessPort,
          '--state-dir',
          dataDir,
        ],
      ],
      { NODE_OPTIONS: `${WORKER_HEAP} ${process.env['NODE_OPTIONS'] ?? ''}` },
    ),
  ];
}

/** Whether the control plane and the workers all answer that they are ready in time. */
async function ready({ address, restPort, readinessPort, workers }: UpConfig): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  const host = urlHost(address);
  const ofWorkers = Array.from({ length: workers }, (_, worker) => workerPort(readinessPort, worker));
  const urls = [
    `http://${host}:${restPort}/readyz`,
    ...ofWorkers.map((port) => `http://${host}:${port}/healthz/ready`),
  ];
  for (const url of urls) {
    while (!(await answersOk(url))) {
      if (Date.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return true;
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
