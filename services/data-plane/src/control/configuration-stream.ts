import type { GatewayName, GatewayResource } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { decodeResource, RESOURCE_TYPE_URL } from '@pulseplane/wire';
import { type DiscoveryResponse, type Rejection, runAdsClient } from '@pulseplane/xds';

/** A response's content, decoded: what the tables are changed by in one step. */
type Batch = {
  readonly updated: readonly { readonly name: string; readonly resource: GatewayResource }[];
  readonly removed: readonly string[];
};

export type ConfigurationStreamOptions = {
  readonly controlPlane: string;
  readonly nodeId: string;
  /** The namespace that the worker itself lives in. */
  readonly namespace: string;
  readonly gateway: GatewayName;
  /** Puts a batch in force and says which of its resources cannot be. */
  readonly apply: (batch: Batch) => readonly Rejection[];
  /** All of a response is in force that can be; it is answered next. */
  readonly onTaken: (nonce: string) => void;
  /** The stream has ended; nonces begin anew on the next. */
  readonly onStreamEnded: () => void;
  readonly logger: Logger;
};

/** Keeps the worker's tables as the control plane has them. Returns the way to stop. */
export function followConfiguration(options: ConfigurationStreamOptions): () => void {
  const { controlPlane, nodeId, namespace, gateway, logger, apply, onTaken, onStreamEnded } = options;
  return runAdsClient({
    address: controlPlane,
    node: { id: nodeId, role: `${gateway.namespace}~${gateway.name}`, namespace, reportsPorts: true },
    typeUrl: RESOURCE_TYPE_URL,
    random: Math.random,
    take: (response) => {
      const rejections = take(response, apply);
      onTaken(response.nonce);
      const { resources, removed } = response;
      const fields = { nonce: response.nonce, updated: resources.length, removed: removed.length };
      if (rejections.length === 0) logger.info(fields, 'configuration applied');
      else logger.warn({ ...fields, rejections }, 'configuration applied in part: the rest is rejected');
      return rejections;
    },
    onState: (state) => {
      if (state.kind === 'connected') {
        logger.info({ controlPlane }, 'connected to the control plane');
        return;
      }
      onStreamEnded();
      logger.warn({ controlPlane, ...state }, 'not connected to the control plane: the last configuration stays');
    },
  });
}

/** Nonsense rejects itself only; everything that decodes is applied in one step. */
function take(response: DiscoveryResponse, apply: ConfigurationStreamOptions['apply']): readonly Rejection[] {
  const rejections: Rejection[] = [];
  const updated: { name: string; resource: GatewayResource }[] = [];
  for (const { name, body } of response.resources) {
    const decoded = decodeResource(body);
    if (decoded.kind === 'decoded') updated.push({ name, resource: decoded.resource });
    else rejections.push({ name, error: decoded.error });
  }
  return [...rejections, ...apply({ updated, removed: response.removed })];
}
