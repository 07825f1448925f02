import { fileURLToPath } from 'node:url';
import { onStopRequest, refuse, Supervisor, workerPort } from '@pulseplane/command-line';
import type { Logger } from '@pulseplane/telemetry';
import type { DataPlaneConfig } from './config.ts';

/** The program itself, which is a worker when it is asked for one. */
const SCRIPT = fileURLToPath(new URL('./main.js', import.meta.url));

/**
 * Runs several workers that share the gateway's ports, and starts one that ends again. Each has a stream, an id and own
 * ports: those of the second are 100 above the first's.
 *
 * @param argv the flags of this process, which are the workers' too but for what is each one's own
 */
export function runWorkerProcesses(config: DataPlaneConfig, argv: readonly string[], logger: Logger): void {
  const supervisor = new Supervisor({
    say: (line) => logger.warn({}, line),
    onRefused: (name, reason) => {
      supervisor.stop().then(
        () => refuse('data-plane', `${name} refused to start: ${reason}`),
        () => process.exit(1),
      );
    },
  });
  onStopRequest(
    (why) => {
      logger.info({ why }, 'stopping all workers');
      supervisor.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    },
    () => supervisor.kill(),
  );
  for (let worker = 0; worker < config.workers; worker += 1) {
    const name = `${config.nodeId}-${worker + 1}`;
    supervisor.start({ name, script: SCRIPT, args: [...argv, ...ownFlags(config, name, worker)], log: process.stderr });
  }
  logger.info({ workers: config.workers, pids: Object.fromEntries(supervisor.pids()) }, 'workers are started');
}

/** Behind the others, because the last of a flag counts. */
function ownFlags(config: DataPlaneConfig, nodeId: string, worker: number): readonly string[] {
  const ports = {
    'admin-port': config.adminPort,
    'metrics-port': config.metricsPort,
    'readiness-port': config.readinessPort,
  };
  return [
    ...['--workers', '1', '--share-ports', '--node-id', nodeId],
    ...Object.entries(ports).flatMap(([flag, first]) => [`--${flag}`, String(workerPort(first, worker))]),
  ];
}
