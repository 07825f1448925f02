import { onStopRequest, refuse } from '@pulseplane/command-line';
import { createLogger } from '@pulseplane/telemetry';
import { compose } from './compose.ts';
import { parseControlPlaneConfig } from './config.ts';

const config = parseControlPlaneConfig(process.argv.slice(2));
const logger = createLogger('control-plane', config.logLevel);
const started = await compose(config, logger);
if (started.kind === 'refused') refuse('control-plane', started.reason);
onStopRequest((why) => {
  logger.info({ why }, 'stopping');
  started.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
