import { randomUUID } from 'node:crypto';
import { type NewEvent, openSqliteEventLog } from '@pulseplane/event-log';
import {
  AGENTGATEWAY_POLICY,
  apiVersionOf,
  CONTROLLER_NAME,
  GATEWAY,
  GATEWAY_CLASS,
  type KubernetesObject,
  NAMESPACE,
  type ResourceKind,
  validateObject,
} from '@pulseplane/resources';

const EVENTS_AN_APPEND = 10_000;
const GATEWAYS = 10;
/** Ages are spread over a day, in another order than the names. */
const MINUTES_A_DAY = 1440;

/**
 * Fills a log's file with policies in one namespace, all on ten gateways: as many as possible meet at each target, and
 * the winners are few. The oldest of all is `policy-0`, on `gateway-0`.
 */
export async function fillPolicies(file: string, count: number): Promise<void> {
  const log = openSqliteEventLog(file);
  try {
    const namespace = object(NAMESPACE, 'bench', 0, undefined);
    const gatewayClass = object(GATEWAY_CLASS, 'agentgateway', 0, { controllerName: CONTROLLER_NAME });
    const gateways = Array.from({ length: GATEWAYS }, (_, index) => object(GATEWAY, `gateway-${index}`, 0, LISTENERS));
    await log.append({
      expected: [],
      events: [
        event(NAMESPACE, namespace),
        event(GATEWAY_CLASS, gatewayClass),
        ...gateways.map((gateway) => event(GATEWAY, gateway)),
      ],
    });
    for (let first = 0; first < count; first += EVENTS_AN_APPEND) {
      const policies = Array.from({ length: Math.min(EVENTS_AN_APPEND, count - first) }, (_, index) =>
        policy(first + index),
      );
      await log.append({ expected: [], events: policies.map((one) => event(AGENTGATEWAY_POLICY, one)) });
    }
  } finally {
    await log.close();
  }
}

const LISTENERS = {
  gatewayClassName: 'agentgateway',
  listeners: [
    { name: 'http', protocol: 'HTTP', port: 3000, allowedRoutes: { namespaces: { from: 'Same' } } },
    { name: 'tcp', protocol: 'TCP', port: 3001, allowedRoutes: { namespaces: { from: 'Same' } } },
  ],
};

function policy(index: number): KubernetesObject {
  const made = object(
    AGENTGATEWAY_POLICY,
    `policy-${index}`,
    index === 0 ? 0 : 1 + ((index * 7919) % (MINUTES_A_DAY - 1)),
    {
      targetRefs: [{ group: GATEWAY.group, kind: GATEWAY.kind, name: `gateway-${index % GATEWAYS}` }],
      frontend: { tcp: { keepalive: { time: '30s', interval: '5s', retries: 3 } } },
    },
  );
  if (index === 0) {
    const { errors, unknown } = validateObject(AGENTGATEWAY_POLICY, made);
    if (errors.length + unknown.length > 0) throw new Error(`the API would refuse: ${JSON.stringify(errors)}`);
  }
  return made;
}

function object(kind: ResourceKind, name: string, minute: number, spec: KubernetesObject['spec']): KubernetesObject {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name,
      ...(kind.namespaced && { namespace: 'bench' }),
      uid: randomUUID(),
      creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace('.000', ''),
      generation: 1,
    },
    ...(spec !== undefined && { spec }),
  };
}

function event(kind: ResourceKind, made: KubernetesObject): NewEvent {
  const { name, namespace = '', uid = '' } = made.metadata;
  const requestId = randomUUID();
  return {
    id: randomUUID(),
    type: 'Created',
    subject: { group: kind.group, kind: kind.kind, namespace, name, uid },
    object: made,
    actor: { user: 'bench', via: 'bench' },
    requestId,
    correlationId: requestId,
    time: new Date().toISOString(),
  };
}
