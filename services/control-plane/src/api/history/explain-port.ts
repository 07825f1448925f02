import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import type { Overridden, Projection } from '@pulseplane/projection';
import {
  type ExplainedValue,
  explainFrontend,
  type GatewayName,
  type ListenerProtocol,
  type Policy,
} from '@pulseplane/projection/gateway';
import { AGENTGATEWAY_POLICY, readPath, refKey } from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';

/** So many policies that lose are listed, and so many events of a policy are looked through for those that set values. */
const MOST_OVERRIDDEN = 100;
const MOST_EVENTS = 200;

export type Explained = {
  readonly log: EventLog;
  readonly projection: Projection;
  readonly gateway: GatewayName;
  readonly policies: readonly Policy[];
  /** Only what was known right after this event. */
  readonly seq: number;
};

/** Where each value of a port comes from, and which policies lost there and why. */
export function explainPort(
  { log, projection, gateway, policies, seq }: Explained,
  { port, protocol }: { readonly port: number; readonly protocol: ListenerProtocol },
) {
  const values = explainFrontend(policies, gateway, port);
  const overridden = projection.overridden(gateway, port, MOST_OVERRIDDEN + 1);
  const applies = ({ section }: Overridden): boolean => protocol === 'http' || section !== 'frontend.http';
  const histories = new Map<string, readonly StoredEvent[]>();
  const historyOf = ({ namespace, name }: GatewayName): readonly StoredEvent[] => {
    const ref = refOf(AGENTGATEWAY_POLICY, namespace, name);
    const events = histories.get(refKey(ref)) ?? log.history(ref, { before: seq + 1, limit: MOST_EVENTS });
    histories.set(refKey(ref), events);
    return events;
  };
  return {
    values: [...values.tcp, ...(protocol === 'http' ? values.http : [])].map(({ name, value, source }) => ({
      name,
      value,
      source: source === undefined ? 'default' : sourceOf(historyOf(source.policy.name), source),
    })),
    overridden: overridden.slice(0, MOST_OVERRIDDEN).filter(applies),
    ...(overridden.length > MOST_OVERRIDDEN && { moreOverridden: true }),
  };
}

function sourceOf(history: readonly StoredEvent[], { policy, field }: NonNullable<ExplainedValue['source']>) {
  const { namespace, name } = policy.name;
  const event = setter(history, field);
  return {
    policy: { namespace, name },
    field,
    target: policy.target,
    ...(event && { event: { seq: event.seq, time: event.time, actor: event.actor } }),
  };
}

/**
 * Of an object's events, newest first, the one that gave a field its present value. Undefined when it is further back
 * than these go: then nobody can be named for certain.
 */
function setter(history: readonly StoredEvent[], field: string): StoredEvent | undefined {
  const valueIn = ({ object }: StoredEvent): string => JSON.stringify(readPath(object, `.${field}`));
  return history.find((event, index) => {
    const before = history[index + 1];
    return event.type === 'Created' || (before !== undefined && valueIn(before) !== valueIn(event));
  });
}
