import type { EventLog } from '@pulseplane/event-log';
import type { Projection } from '@pulseplane/projection';
import type { JsonObject } from '@pulseplane/resources';
import type { Logger } from '@pulseplane/telemetry';
import type { TunnelServer } from '@pulseplane/tunnel';
import type { EnvoyNotices } from '../xds/envoy-notices.ts';
import type { ClusterView } from './cluster-view/cluster-view.ts';
import type { View } from './cluster-view/view.ts';
import type { StatusOf } from './present.ts';
import type { StatusChanges } from './watch/status-changes.ts';
import type { StreamLimits } from './watch/stream-limits.ts';

/** What the API is made of. */
export type ApiOptions = {
  readonly log: EventLog;
  readonly statusOf: StatusOf;
  /** Whose status has changed without an event of the object. */
  readonly statusChanges: StatusChanges;
  /** What follows from the log now, or as it was right after an event. */
  readonly projectionAt: (seq: number) => Projection;
  /** The connected workers as a cluster would show them. */
  readonly clusterView: ClusterView;
  /** What happened to objects, as Events of core/v1. */
  readonly recordedEvents: View;
  /** Opens a stream of bytes to a connected worker. */
  readonly openToWorker: TunnelServer['open'];
  /** What a connected worker says of itself. */
  readonly workerReport: TunnelServer['reported'];
  /** What changes do to connected Envoys, for who makes them. */
  readonly envoyNotices: Pick<EnvoyNotices, 'of' | 'ofDraft' | 'ofTouched'>;
  /** What each xDS client subscribes to, was sent and answered. */
  readonly workers: () => readonly JsonObject[];
  /** Everything that is counted, as Prometheus reads it. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Host names (with or without port) that requests may be for, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  readonly ready: () => boolean;
  /** Calls back when questions about objects can be answered without waiting long. Absent: always. */
  readonly whenLoaded?: (then: () => void) => void;
  /** Another time for a request to come whole than the usual one. */
  readonly requestTimeoutMs?: number;
  /** Other limits of open streams than the usual ones. */
  readonly streamLimits?: Partial<StreamLimits>;
};
