import { createHash } from 'node:crypto';
import { createLogger } from '@pulseplane/telemetry';
import { createDiscoveryServer, NO_RESOURCES, observers, type VersionedResource } from '@pulseplane/xds';
import { Fleet } from '../../../services/control-plane/src/xds/fleet.ts';
import { FleetMetrics } from '../../../services/control-plane/src/xds/fleet-metrics.ts';
import { Telling } from '../../../services/control-plane/src/xds/telling.ts';
import { ChangeLines } from './change-lines.ts';
import { RESOURCE_TYPE_URL, resourceOf } from './messages.ts';

/**
 * The product's xDS server with all that the control plane does for each push: the truth about the fleet, metrics, logs
 * as they ship. What it serves is made here instead of from a log.
 */
const [streams = 0, resources = 1] = process.argv.slice(2).map(Number);
const lines = new ChangeLines(streams);
const now = (): Date => new Date();
let changedAt = Date.now();
const fleet = new Fleet(createLogger('bench', 'error'), now);
const metrics = new FleetMetrics(() => changedAt, now);
const listeners = new Set<() => void>();
const telling = new Telling(() => undefined);
let set = new Map(Array.from({ length: resources }, (_, index) => versioned(index, 0)));

function versioned(index: number, version: number): [string, VersionedResource] {
  const { name, body } = resourceOf(index, version);
  return [name, { name, body, version: createHash('sha256').update(body).digest('hex').slice(0, 32) }];
}

const server = createDiscoveryServer({
  source: {
    resources: (_node, typeUrl) => (typeUrl === RESOURCE_TYPE_URL ? set : NO_RESOURCES),
    watch: (_node, changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  },
  observer: observers(fleet, metrics, {
    opened: () => undefined,
    requested: () => undefined,
    output: (_stream, { kind }) => kind === 'acked' && lines.acknowledged(),
    refused: (_stream, _rule, reason) => {
      throw new Error(reason);
    },
    closed: () => undefined,
  }),
  identifier: 'bench',
});
lines.serve(await server.listen('127.0.0.1', 0), (version) => {
  changedAt = Date.now();
  set = new Map([...set, versioned(0, version)]);
  telling.add('', listeners);
  telling.begin();
});
