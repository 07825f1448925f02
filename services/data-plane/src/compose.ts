import { readFileSync } from 'node:fs';
import type { Logger, RecentLines } from '@pulseplane/telemetry';
import type { DataPlaneConfig } from './config.ts';
import { createConfiguration } from './control/configuration.ts';
import { followConfiguration } from './control/configuration-stream.ts';
import { createOwnReport } from './control/own-report.ts';
import { openTunnel } from './control/tunnel.ts';
import { createConfigurationFile } from './saved/configuration-file.ts';
import { createWorker } from './worker.ts';

export type Started =
  | { readonly kind: 'started'; readonly stop: () => Promise<void> }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a supervisor and `docker stop` wait for, less a second. */
const DRAIN_WITHIN_MS = 8_000;

/** The stages in the order in which a configuration passes them: stream, tables, listeners, connections, sockets. */
export async function compose(
  config: DataPlaneConfig,
  logger: Logger,
  lines: RecentLines,
  onQuit: () => void,
): Promise<Started> {
  const worker = createWorker({
    ...config,
    logger,
    version: ownVersion(),
    onQuit,
    onBindStatus: () => tunnel.reportNow(),
  });
  const own = createOwnReport(worker);
  try {
    await worker.start();
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
  const configuration = createConfiguration({
    ...config,
    logger,
    file: createConfigurationFile({ ...config, logger, onSaved: worker.saved }),
    apply: (batch, origin) => {
      const { rejects } = worker.apply(batch);
      worker.configured(origin);
      return rejects;
    },
  });
  const stopFollowing = followConfiguration({
    ...config,
    logger,
    configuration,
    onTaken: (nonce) => {
      own.taken(nonce);
      tunnel.reportNow();
    },
    onConnected: (isConnected) => {
      worker.connected(isConnected);
      if (!isConnected) own.streamEnded();
    },
  });
  const tunnel = openTunnel({
    ...config,
    adminPort: worker.ports().admin,
    lines,
    report: own.report,
    logger,
  });
  const { controlPlane, gateway, nodeId } = config;
  logger.info({ controlPlane, gateway, nodeId, ...worker.ports() }, 'worker is running');
  return {
    kind: 'started',
    stop: async () => {
      stopFollowing();
      await Promise.all([worker.drain(DRAIN_WITHIN_MS), configuration.close()]);
      // Last, so that one can watch it drain.
      tunnel.stop();
    },
  };
}

/** The version that the package says, also from `dist`, which lies beside `src`. */
function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
