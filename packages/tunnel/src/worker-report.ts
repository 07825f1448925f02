import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Report, Report_OpenFailureSchema, type ReportSchema } from '@pulseplane/wire';
import {
  type ConfigurationReport,
  fromConfiguration,
  fromCounts,
  toConfiguration,
  toCounts,
  type WorkerCounts,
} from './worker-counts.ts';

/** How a configured port is, once it was tried. */
export type PortState =
  | { readonly kind: 'listening'; readonly since: Date }
  | {
      readonly kind: 'failed';
      readonly since: Date;
      /** The name of the errno. */
      readonly code: string;
      /** The address that it was tried on, without the port. */
      readonly address: string;
    };

/** What a worker says of itself. */
export type WorkerReport = {
  /** Of the last configuration that is in force with all its ports tried; empty when there is none on this ADS stream. */
  readonly nonce: string;
  /** How many connections are open on each port that has any. */
  readonly connections: ReadonlyMap<number, number>;
  /** The configured ports that were tried. */
  readonly ports: ReadonlyMap<number, PortState>;
  /** Undefined of a worker that does not say. */
  readonly counts?: WorkerCounts;
  /** Undefined before the first. */
  readonly configuration?: ConfigurationReport;
};

/** What a worker that has said nothing is taken to be. */
export const NOTHING_REPORTED: WorkerReport = { nonce: '', connections: new Map(), ports: new Map() };

const HIGHEST_PORT = 65_535;
/** The most characters of a text that is shown. */
const MAX_TEXT = 100;

/** Words a report. */
export function toReport(report: WorkerReport): MessageInitShape<typeof ReportSchema> {
  const { nonce, connections, ports, counts, configuration } = report;
  return {
    nonce,
    ...(counts && toCounts(counts)),
    ...(configuration && { configuration: toConfiguration(configuration) }),
    ports: [...new Set([...connections.keys(), ...ports.keys()])].map((port) => {
      const state = ports.get(port);
      return { port, openConnections: connections.get(port) ?? 0, ...(state && { state: toState(state) }) };
    }),
  };
}

type State = Report['ports'][number]['state'];

function toState(state: PortState): State {
  const since = timestampFromDate(state.since);
  return state.kind === 'listening'
    ? { case: 'listeningSince', value: since }
    : { case: 'failure', value: create(Report_OpenFailureSchema, { since, code: state.code, address: state.address }) };
}

/** Reads a report. What cannot be a port is left out, which also bounds it. */
export function fromReport(report: Report): WorkerReport {
  const { nonce, ports } = report;
  const [counts, configuration] = [fromCounts(report), fromConfiguration(report.configuration)];
  const known = ports.filter(({ port }) => port >= 1 && port <= HIGHEST_PORT);
  return {
    nonce,
    ...(counts && { counts }),
    ...(configuration && { configuration }),
    connections: new Map(
      known.flatMap(({ port, openConnections }) => (openConnections === 0 ? [] : [[port, openConnections]])),
    ),
    ports: new Map(
      known.flatMap(({ port, state }): [number, PortState][] => {
        const read = fromState(state);
        return read === undefined ? [] : [[port, read]];
      }),
    ),
  };
}

function fromState(state: State): PortState | undefined {
  switch (state.case) {
    case 'listeningSince':
      return { kind: 'listening', since: timestampDate(state.value) };
    case 'failure': {
      const { since, code, address } = state.value;
      return {
        kind: 'failed',
        since: since === undefined ? new Date(0) : timestampDate(since),
        code: code.slice(0, MAX_TEXT),
        address: address.slice(0, MAX_TEXT),
      };
    }
    default:
      return undefined;
  }
}
