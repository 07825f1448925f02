import { onStopRequest, refuse, Settings } from '@pulseplane/command-line';
import { createLogger, type LogLevel } from '@pulseplane/telemetry';
import { createDemoUpstream } from './demo-upstream.ts';

type Values = { readonly address: string; readonly port: number; readonly logLevel: LogLevel };

const { address, port, logLevel } = new Settings(
  'demo-upstream',
  'A small HTTP server to proxy to: it says what it was asked.',
)
  .address('address', 'PULSEPLANE_UPSTREAM_ADDRESS', 'address to listen on', '127.0.0.1')
  .port('port', 'PULSEPLANE_UPSTREAM_PORT', 'port to listen on', 9000)
  .insecure()
  .logLevel()
  .parse<Values>(process.argv.slice(2), ['address']);

const logger = createLogger('demo-upstream', logLevel);
const server = createDemoUpstream();
server.on('error', (error) => refuse('demo-upstream', `cannot listen on ${address}:${port}: ${error.message}`));
server.listen(port, address, () => logger.info({ address, port }, 'listening'));
onStopRequest((why) => {
  logger.info({ why }, 'stopping');
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
