import type { GatewayName, GatewayResource, Policy } from '@pulseplane/projection/gateway';
import { effectiveFrontend } from '@pulseplane/projection/gateway';
import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { notFound } from '../status.ts';
import { HISTORY_API_VERSION } from './history-handlers.ts';
import { readMoment } from './moment.ts';

/** GET .../gateways/NAME/effective: what the gateway's workers run, now or at any moment before. */
export function getEffective(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const moment = readMoment(options, request.query as Readonly<Record<string, unknown>>);
  if (!moment.ok) return statusAnswer(moment.error);
  const { seq, object } = moment.value;
  if (object(refOf(kind, namespace, name)) === undefined) return statusAnswer(notFound(kind, name));
  const gateway = { namespace, name };
  const resources = options.gatewayAt(gateway, seq);
  return {
    code: 200,
    body: {
      kind: 'EffectiveConfig',
      apiVersion: HISTORY_API_VERSION,
      metadata: { name, namespace },
      gateway,
      seq,
      ports: effectivePorts(gateway, resources),
      resources,
    },
  };
}

/** Each port with what holds for its connections, merged as the workers merge it. A TCP port has no HTTP settings. */
function effectivePorts(gateway: GatewayName, resources: readonly GatewayResource[]) {
  const policies = resources.filter((resource): resource is Policy => resource.kind === 'policy');
  return resources.flatMap((resource) => {
    if (resource.kind !== 'bind') return [];
    const { port, protocol } = resource;
    const { tcp, http } = effectiveFrontend(policies, gateway, port);
    return [{ port, protocol, tcp: tcp ?? null, http: protocol === 'http' ? http : null }];
  });
}
