import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import type { Overridden, Projection } from '@pulseplane/projection';
import {
  type BackendPath,
  type BackendPolicyIndex,
  carriesHttp,
  carriesTls,
  type ExplainedValue,
  explainBackend,
  explainFrontend,
  type GatewayName,
  type ListenerProtocol,
  type Policy,
} from '@pulseplane/projection/gateway';
import { AGENTGATEWAY_BACKEND, AGENTGATEWAY_POLICY, type ObjectRef, readPath, refKey } from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';

/** So many policies that lose are listed, and so many events of a policy are looked through for those that set values. */
const MOST_OVERRIDDEN = 100;
const MOST_EVENTS = 200;

type Explained = {
  readonly log: EventLog;
  readonly projection: Projection;
  readonly gateway: GatewayName;
  readonly policies: readonly Policy[];
  /** Only what was known right after this event. */
  readonly seq: number;
};

/** What the values in force come from, and which policies lost and why. It reads the past of each object once. */
type Explainer = {
  port(port: { readonly port: number; readonly protocol: ListenerProtocol }): Explanation;
  /** The way from a listener to a backend. */
  path(policies: BackendPolicyIndex, path: BackendPath): Explanation;
};

type Explanation = {
  readonly values: readonly { readonly name: string; readonly value: unknown; readonly source: object | 'default' }[];
  readonly overridden: readonly Overridden[];
  readonly moreOverridden?: true;
};

export function createExplainer({ log, projection, gateway, policies, seq }: Explained): Explainer {
  const histories = new Map<string, readonly StoredEvent[]>();
  const historyOf = (ref: ObjectRef): readonly StoredEvent[] => {
    const events = histories.get(refKey(ref)) ?? log.history(ref, { before: seq + 1, limit: MOST_EVENTS });
    histories.set(refKey(ref), events);
    return events;
  };
  const explain = (values: readonly ExplainedValue[], overridden: readonly Overridden[]): Explanation => ({
    values: values.map(({ name, value, source }) => ({
      name,
      value,
      source: source === undefined ? 'default' : sourceOf(historyOf, source),
    })),
    overridden: overridden.slice(0, MOST_OVERRIDDEN),
    ...(overridden.length > MOST_OVERRIDDEN && { moreOverridden: true }),
  });
  return {
    port({ port, protocol }) {
      const { tcp, http, tls, proxyProtocol } = explainFrontend(policies, gateway, port);
      const overridden = projection.overridden(gateway, port, MOST_OVERRIDDEN + 1);
      const [isHttp, isTls] = [carriesHttp(protocol), carriesTls(protocol)];
      return explain(
        [...tcp, ...(isHttp ? http : []), ...(isTls ? tls : []), ...proxyProtocol],
        overridden.filter(
          ({ section }) => (isHttp || section !== 'frontend.http') && (isTls || section !== 'frontend.tls'),
        ),
      );
    },
    path(index, path) {
      const { tcp, http } = explainBackend(index, path);
      const overridden = projection.overriddenOnPath(path, MOST_OVERRIDDEN + 1);
      return path.route.kind === 'HTTPRoute'
        ? explain([...tcp, ...http], overridden)
        : explain(
            tcp,
            overridden.filter(({ section }) => section !== 'backend.http'),
          );
    },
  };
}

function sourceOf(
  historyOf: (ref: ObjectRef) => readonly StoredEvent[],
  source: NonNullable<ExplainedValue['source']>,
): object {
  const { field } = source;
  const { namespace, name } = 'policy' in source ? source.policy.name : source.backend;
  const kind = 'policy' in source ? AGENTGATEWAY_POLICY : AGENTGATEWAY_BACKEND;
  const event = setter(historyOf(refOf(kind, namespace, name)), field);
  return {
    ...('policy' in source
      ? { policy: { namespace, name }, field, target: source.policy.target }
      : { backend: { namespace, name }, field }),
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
