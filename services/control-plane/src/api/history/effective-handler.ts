import type { Projection } from '@pulseplane/projection';
import type {
  EffectiveBackend,
  GatewayName,
  GatewayResource,
  Policy,
  PortBackendPath,
} from '@pulseplane/projection/gateway';
import {
  backendPaths,
  carriesHttp,
  carriesTls,
  effectiveBackend,
  effectiveFrontend,
  indexBackendPolicies,
  portProtocol,
} from '@pulseplane/projection/gateway';
import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { invalidParameter, notFound } from '../status.ts';
import { createExplainer } from './explain-effective.ts';
import { HISTORY_API_VERSION } from './history-handlers.ts';
import { readMoment } from './moment.ts';

/** So many ways to backends are explained for each port. */
const MOST_EXPLAINED_BACKENDS = 100;

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
      ports:
        explain === 'true'
          ? explained(options, projection, gateway, resources, ports, seq)
          : withBackends(ports, resources),
      resources,
    },
  };
}

type EffectivePort = ReturnType<typeof effectivePorts>[number];

/** Each port with what holds for its connections, merged as the workers merge it. Only an HTTP port has HTTP settings. */
export function effectivePorts(gateway: GatewayName, resources: readonly GatewayResource[]) {
  const policies = policiesOf(resources);
  return resources.flatMap((resource) => {
    if (resource.kind !== 'bind') return [];
    const { port } = resource;
    const protocol = portProtocol(resource, resources);
    const { tcp, http, tls, proxyProtocol } = effectiveFrontend(policies, gateway, port);
    return [
      {
        port,
        protocol,
        tcp: tcp ?? null,
        http: carriesHttp(protocol) ? http : null,
        ...(carriesTls(protocol) && { tls }),
        ...(proxyProtocol && { proxyProtocol }),
      },
    ];
  });
}

/** A way from a listener to a backend, with what holds for its connections. Raw TCP has no HTTP settings. */
type BackendSettings = Pick<PortBackendPath, 'listener' | 'route'> & {
  readonly path: PortBackendPath;
  readonly backend: { readonly namespace: string; readonly name: string };
  readonly tcp: EffectiveBackend['tcp'];
  readonly http: EffectiveBackend['http'] | null;
};

/** Each way to a backend, merged as the workers merge it. */
export function effectiveBackends(resources: readonly GatewayResource[]): readonly BackendSettings[] {
  const index = indexBackendPolicies(policiesOf(resources));
  return backendPaths(resources).map((path) => {
    const { listener, route, backend } = path;
    const { tcp, http } = effectiveBackend(index, path);
    const { namespace, name } = backend;
    return {
      path,
      listener,
      route,
      backend: { namespace, name },
      tcp,
      http: route.kind === 'HTTPRoute' ? http : null,
    };
  });
}

/** The ports with the ways to backends that begin there. */
function withBackends(ports: readonly EffectivePort[], resources: readonly GatewayResource[]) {
  const backends = effectiveBackends(resources);
  return ports.map((port) => ({
    ...port,
    backends: backends.filter(({ path }) => path.port === port.port).map(({ path: _, ...shown }) => shown),
  }));
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
  const index = indexBackendPolicies(policies);
  const backends = effectiveBackends(resources);
  const explainer = createExplainer({ log, projection, gateway, policies, seq });
  return ports.map((port) => {
    const here = backends.filter(({ path }) => path.port === port.port);
    return {
      ...port,
      ...explainer.port(port),
      backends: here.slice(0, MOST_EXPLAINED_BACKENDS).map(({ path, ...shown }) => ({
        ...shown,
        ...explainer.path(index, path),
      })),
      ...(here.length > MOST_EXPLAINED_BACKENDS && { moreBackends: true }),
    };
  });
}

function policiesOf(resources: readonly GatewayResource[]): readonly Policy[] {
  return resources.filter((resource): resource is Policy => resource.kind === 'policy');
}
