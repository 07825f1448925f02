import type { EventLog } from '@pulseplane/event-log';
import { GATEWAY, type JsonObject } from '@pulseplane/resources';
import type { ConnectionCounts, TunnelServer, WorkerReport } from '@pulseplane/tunnel';
import type { TypeState } from '@pulseplane/xds';
import { refOf } from '../command/index.ts';
import type { StreamRecord } from './fleet.ts';
import { parseRole } from './gateway-snapshots.ts';
import type { TypeRecord } from './type-record.ts';

export type WorkerReportSources = {
  readonly streams: () => readonly StreamRecord[];
  readonly log: Pick<EventLog, 'object'>;
  /** What a worker says of itself over its tunnel. */
  readonly reported: TunnelServer['reported'];
  readonly now: () => Date;
};

/** How many names of a subscription are shown. */
const MAX_NAMES = 100;

/** What `GET /v1/workers` tells of each stream, open ones first: who it is, and for each type what was sent and answered. */
export function workerReport({ streams, log, reported, now }: WorkerReportSources): readonly JsonObject[] {
  return streams().map((entry) => {
    const { stream, since, goneAt, types } = entry;
    const { id, node, peer, variant, only } = stream;
    const states = stream.types();
    const own = goneAt === undefined ? reported({ id: node.id, role: node.role }) : undefined;
    return {
      stream: id,
      node: node.id,
      ...(node.userAgent !== undefined && { userAgent: node.userAgent }),
      ...gatewayOf(node.role, log),
      peer,
      variant,
      service: only ?? 'aggregated',
      connected: goneAt === undefined,
      connectedAt: since.toISOString(),
      ...(goneAt !== undefined && { goneAt: goneAt.toISOString() }),
      types: types.map((known) => typeReport(known, states.get(known.typeUrl), now())),
      ...(own && ownReport(own, now())),
    };
  });
}

/** The gateway that a client serves, and a message when there is nothing to serve it. */
function gatewayOf(role: string, log: Pick<EventLog, 'object'>): JsonObject {
  const gateway = parseRole(role);
  if (gateway === undefined) {
    const message =
      'names no gateway: metadata "role" or the node cluster must be <namespace>~<gateway>, so nothing is sent';
    return { role, message };
  }
  const found = log.object(refOf(GATEWAY, gateway.namespace, gateway.name)) !== undefined;
  const { namespace, name } = gateway;
  return {
    role,
    gateway: { namespace, name },
    ...(!found && { message: `there is no Gateway ${name} in namespace ${namespace}, so nothing is sent` }),
  };
}

function typeReport(known: TypeRecord, state: TypeState | undefined, now: Date): JsonObject {
  const { typeUrl, sent, acked, nacked, rejected, behindSince } = known;
  return {
    typeUrl,
    state: known.state,
    since: known.since.toISOString(),
    ...(state !== undefined && { subscribed: subscribed(state), resources: state.view?.size ?? 0 }),
    ...(sent !== undefined && { sent: stamped(sent) }),
    ...(acked !== undefined && { acked: stamped(acked) }),
    ...(nacked !== undefined && {
      nacked: {
        ...stamped(nacked),
        message: nacked.message,
        resources: [...rejected].slice(0, MAX_NAMES).map(([name, error]) => ({ name, error })),
      },
    }),
    lagSeconds: behindSince === undefined ? 0 : (now.getTime() - behindSince.getTime()) / 1_000,
  };
}

/** What the worker says of itself: where its configuration is from, and what became of connections. */
function ownReport({ configuration, counts }: WorkerReport, now: Date): JsonObject {
  return {
    ...(configuration && {
      configuration: {
        source: configuration.source,
        acceptedAt: configuration.acceptedAt.toISOString(),
        ageSeconds: (now.getTime() - configuration.acceptedAt.getTime()) / 1_000,
        ...(configuration.saveError !== undefined && { saveError: configuration.saveError }),
      },
    }),
    ...(counts && {
      connections: countsReport(counts),
      policies: [...counts.policies].map(([policy, one]) => ({ policy, ...countsReport(one) })),
    }),
  };
}

function countsReport({ open, closes, socketOptionErrors }: ConnectionCounts): JsonObject {
  const failures = ['keepalive_timeout', 'ping_timeout'].map((reason) => closes.get(reason) ?? 0);
  return {
    open,
    closes: Object.fromEntries(closes),
    keepaliveFailures: failures.reduce((sum, count) => sum + count, 0),
    socketOptionErrors,
  };
}

function subscribed({ wildcard, names }: TypeState): JsonObject {
  const shown = [...names].slice(0, MAX_NAMES);
  return { wildcard, names: shown, ...(shown.length < names.size && { remainingNames: names.size - shown.length }) };
}

function stamped({ version, at }: { readonly version: string; readonly at: Date }): JsonObject {
  return { version, at: at.toISOString() };
}
