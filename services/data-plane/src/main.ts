import { onStopRequest, refuse } from '@pulseplane/command-line';
import { createLogger, RecentLines } from '@pulseplane/telemetry';
import { compose } from './compose.ts';
import { parseDataPlaneConfig } from './config.ts';
import { runWorkerProcesses } from './worker-processes.ts';

const argv = process.argv.slice(2);
const config = parseDataPlaneConfig(argv);
const lines = new RecentLines();
const logger = createLogger('data-plane', config.logLevel, lines);
if (config.workers > 1) runWorkerProcesses(config, argv, logger);
else await runWorker();

async function runWorker(): Promise<void> {
  let isStopping = false;
  const started = await compose(config, logger, lines, () => stop('asked for on the admin port'));
  if (started.kind === 'refused') refuse('data-plane', started.reason);
  onStopRequest(stop);

  function stop(why: string): void {
    if (isStopping || started.kind === 'refused') return;
    isStopping = true;
    logger.info({ why }, 'stopping');
    started.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  }
}
