import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { RESOURCE_TYPE_URL } from '@pulseplane/wire';
import { runAdsClient } from '@pulseplane/xds';
import type { Configuration } from './configuration.ts';

export type ConfigurationStreamOptions = {
  readonly controlPlane: string;
  readonly nodeId: string;
  /** The namespace that the worker itself lives in. */
  readonly namespace: string;
  readonly gateway: GatewayName;
  readonly configuration: Pick<Configuration, 'held' | 'take'>;
  /** All of a response is in force that can be; it is answered next. */
  readonly onTaken: (nonce: string) => void;
  /** The control plane answers, or the stream has ended; nonces begin anew on the next. */
  readonly onConnected: (isConnected: boolean) => void;
  readonly logger: Logger;
};

/** Keeps the worker's configuration as the control plane has it. Returns the way to stop. */
export function followConfiguration(options: ConfigurationStreamOptions): () => void {
  const { controlPlane, nodeId, namespace, gateway, configuration, logger, onTaken, onConnected } = options;
  return runAdsClient({
    address: controlPlane,
    node: { id: nodeId, role: `${gateway.namespace}~${gateway.name}`, namespace, reportsPorts: true },
    typeUrl: RESOURCE_TYPE_URL,
    held: configuration.held,
    random: Math.random,
    take: (response) => {
      const rejections = configuration.take(response);
      onTaken(response.nonce);
      const { resources, removed } = response;
      const fields = { nonce: response.nonce, updated: resources.length, removed: removed.length };
      if (rejections.length === 0) logger.info(fields, 'configuration applied');
      else logger.warn({ ...fields, rejections }, 'configuration applied in part: the rest is rejected');
      return rejections;
    },
    onState: (state) => {
      onConnected(state.kind === 'connected');
      if (state.kind === 'connected') logger.info({ controlPlane }, 'connected to the control plane');
      else logger.warn({ controlPlane, ...state }, 'not connected to the control plane: the last configuration stays');
    },
  });
}
