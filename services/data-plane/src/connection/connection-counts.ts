import type { ConnectionCounts, WorkerCounts } from '@pulseplane/tunnel';
import type { CloseReason } from './close-reason.ts';
import type { Connection } from './connection.ts';

type Counted = Pick<Connection, 'policyKeys'>;
type Past = { readonly closes: Map<CloseReason, number>; socketOptionErrors: number };

/** Counts what becomes of connections, all of them and for each policy in force on them. */
export type ConnectionCounter = {
  closed(connection: Counted, reason: CloseReason): void;
  /** `policyKey`: what was to be set there. */
  socketOptionFailed(policyKey?: string): void;
  /** Forgets all policies but these, unless connections are open under them. */
  keepOnly(policyKeys: ReadonlySet<string>): void;
  read(): WorkerCounts;
};

/** @param connections those that are open */
export function createConnectionCounter(connections: () => Iterable<Counted>): ConnectionCounter {
  const all = nothing();
  const policies = new Map<string, Past>();
  let kept: ReadonlySet<string> = new Set();

  const pastOf = (key: string): Past => {
    const past = policies.get(key) ?? nothing();
    policies.set(key, past);
    return past;
  };

  const openByPolicy = () => {
    const open = new Map<string, number>();
    let total = 0;
    for (const connection of connections()) {
      total += 1;
      for (const key of keysOf(connection)) open.set(key, (open.get(key) ?? 0) + 1);
    }
    return { total, open };
  };

  return {
    closed(connection, reason) {
      for (const past of [all, ...keysOf(connection).map(pastOf)]) {
        past.closes.set(reason, (past.closes.get(reason) ?? 0) + 1);
      }
    },
    socketOptionFailed(policyKey) {
      all.socketOptionErrors += 1;
      if (policyKey !== undefined) pastOf(policyKey).socketOptionErrors += 1;
    },
    keepOnly(policyKeys) {
      kept = policyKeys;
    },
    read() {
      const { total, open } = openByPolicy();
      for (const key of policies.keys()) if (!kept.has(key) && !open.has(key)) policies.delete(key);
      const keys = new Set([...policies.keys(), ...open.keys()]);
      return {
        ...countsOf(all, total),
        policies: new Map([...keys].sort().map((key) => [key, countsOf(policies.get(key), open.get(key) ?? 0)])),
      };
    },
  };
}

function nothing(): Past {
  return { closes: new Map(), socketOptionErrors: 0 };
}

/** A copy, so that what was read once stays as it was. */
function countsOf({ closes, socketOptionErrors } = nothing(), open: number): ConnectionCounts {
  return { open, closes: new Map(closes), socketOptionErrors };
}

function keysOf({ policyKeys: { tcp, http, proxyProtocol } }: Counted): readonly string[] {
  return [tcp, http, proxyProtocol].filter((key) => key !== undefined);
}
