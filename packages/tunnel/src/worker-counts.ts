import { create } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Report, Report_ConfigurationSchema, type Report_Counts, Report_CountsSchema } from '@pulseplane/wire';

/** Connections of clients, counted since the worker began. */
export type ConnectionCounts = {
  readonly open: number;
  /** By reason; those that never happened may be left out. */
  readonly closes: ReadonlyMap<string, number>;
  /** How often a socket option could not be read or set. */
  readonly socketOptionErrors: number;
};

export type WorkerCounts = ConnectionCounts & {
  /** By the key of each policy. A connection counts for each policy in force on it. */
  readonly policies: ReadonlyMap<string, ConnectionCounts>;
};

/** The configuration in force on a worker. */
export type ConfigurationReport = {
  readonly source: 'control_plane' | 'disk';
  /** When the control plane sent or confirmed it. */
  readonly acceptedAt: Date;
  /** Why it could not be saved last. */
  readonly saveError?: string;
};

/** The most policies that are told of, and the most reasons of each. */
const MAX_POLICIES = 256;
const MAX_REASONS = 32;
/** The most characters of a name. */
const MAX_NAME = 700;

/** Words what a worker counts. */
export function toCounts(counts: WorkerCounts): Pick<Report, 'counts' | 'policies'> {
  const policies = [...counts.policies].slice(0, MAX_POLICIES);
  return {
    counts: toMessage(counts),
    policies: Object.fromEntries(policies.map(([key, one]) => [key, toMessage(one)])),
  };
}

/** Reads what a worker counts; undefined when it does not say. What is too much or too long is left out. */
export function fromCounts({ counts, policies }: Pick<Report, 'counts' | 'policies'>): WorkerCounts | undefined {
  if (counts === undefined) return undefined;
  const known = Object.entries(policies)
    .filter(([key]) => key.length <= MAX_NAME)
    .slice(0, MAX_POLICIES);
  return { ...fromMessage(counts), policies: new Map(known.map(([key, one]) => [key, fromMessage(one)])) };
}

export function toConfiguration({ source, acceptedAt, saveError = '' }: ConfigurationReport): Report['configuration'] {
  return create(Report_ConfigurationSchema, {
    acceptedAt: timestampFromDate(acceptedAt),
    fromDisk: source === 'disk',
    saveError,
  });
}

export function fromConfiguration(said: Report['configuration']): ConfigurationReport | undefined {
  if (said?.acceptedAt === undefined) return undefined;
  return {
    source: said.fromDisk ? 'disk' : 'control_plane',
    acceptedAt: timestampDate(said.acceptedAt),
    ...(said.saveError !== '' && { saveError: said.saveError.slice(0, MAX_NAME) }),
  };
}

function toMessage({ open, closes, socketOptionErrors }: ConnectionCounts): Report_Counts {
  return create(Report_CountsSchema, {
    open: BigInt(open),
    closes: Object.fromEntries([...closes].map(([reason, count]) => [reason, BigInt(count)])),
    socketOptionErrors: BigInt(socketOptionErrors),
  });
}

function fromMessage({ open, closes, socketOptionErrors }: Report_Counts): ConnectionCounts {
  const reasons = Object.entries(closes).filter(([reason]) => reason.length <= MAX_NAME);
  return {
    open: Number(open),
    closes: new Map(reasons.slice(0, MAX_REASONS).map(([reason, count]) => [reason, Number(count)])),
    socketOptionErrors: Number(socketOptionErrors),
  };
}
