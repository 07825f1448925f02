import type { Projection } from '@pulseplane/projection';
import type { GatewayName, GatewayResource, Policy } from '@pulseplane/projection/gateway';
import { effectiveFrontend } from '@pulseplane/projection/gateway';
import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { invalidParameter, notFound } from '../status.ts';
import { explainPort } from './explain-port.ts';
import { HISTORY_API_VERSION } from './history-handlers.ts';
import { readMoment } from './moment.ts';

/**
 * GET .../gateways/NAME/effective: what the gateway's workers run, now or at any moment before. With `explain=true` each
 * value has its source; with `port` it is about that port only.
 */
export function getEffective(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const query = request.query as Readonly<Record<string, unknown>>;
  const moment = readMoment(options, query);
  if (!moment.ok) return statusAnswer(moment.error);
  const { seq, object } = moment.value;
  const { explain = 'false', port } = query;
  if (explain !== 'true' && explain !== 'false') {
    return statusAnswer(invalidParameter('explain', String(explain), 'must be true or false'));
  }
  if (object(refOf(kind, namespace, name)) === undefined) return statusAnswer(notFound(kind, name));
  const gateway = { namespace, name };
  const projection = options.projectionAt(seq);
  const resources = projection.gateway(gateway);
  const ports = effectivePorts(gateway, resources).filter((one) => port === undefined || String(one.port) === port);
  if (ports.length === 0 && port !== undefined) {
    return statusAnswer(invalidParameter('port', String(port), `must be a port of Gateway ${namespace}/${name}`));
  }
  return {
    code: 200,
    body: {
      kind: 'EffectiveConfig',
      apiVersion: HISTORY_API_VERSION,
      metadata: { name, namespace },
      gateway,
      seq,
      ports: explain === 'true' ? explained(options, projection, gateway, resources, ports, seq) : ports,
      resources,
    },
  };
}

type EffectivePort = ReturnType<typeof effectivePorts>[number];

/** Each port with what holds for its connections, merged as the workers merge it. A TCP port has no HTTP settings. */
export function effectivePorts(gateway: GatewayName, resources: readonly GatewayResource[]) {
  const policies = policiesOf(resources);
  return resources.flatMap((resource) => {
    if (resource.kind !== 'bind') return [];
    const { port, protocol } = resource;
    const { tcp, http } = effectiveFrontend(policies, gateway, port);
    return [{ port, protocol, tcp: tcp ?? null, http: protocol === 'http' ? http : null }];
  });
}

function explained(
  { log }: ApiOptions,
  projection: Projection,
  gateway: GatewayName,
  resources: readonly GatewayResource[],
  ports: readonly EffectivePort[],
  seq: number,
) {
  const policies = policiesOf(resources);
  return ports.map((port) => ({ ...port, ...explainPort({ log, projection, gateway, policies, seq }, port) }));
}

function policiesOf(resources: readonly GatewayResource[]): readonly Policy[] {
  return resources.filter((resource): resource is Policy => resource.kind === 'policy');
}
