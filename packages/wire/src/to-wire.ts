import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import type {
  FrontendPolicy,
  GatewayResource,
  ListenerProtocol,
  WeightedBackend,
} from '@pulseplane/projection/gateway';
import {
  Bind_Protocol,
  FrontendPolicySpec_HTTP_HeaderCase,
  type FrontendPolicySpecSchema,
  Protocol,
  type ResourceSchema as ResourceMessage,
  ResourceSchema,
  type RouteBackendSchema,
} from './gen/agentgateway/dev/resource/resource_pb.ts';

type Init = MessageInitShape<typeof ResourceMessage>;

/** The type of every gateway resource on an xDS stream. */
export const RESOURCE_TYPE_URL: string = `type.googleapis.com/${ResourceSchema.typeName}`;

/** A gateway resource as the bytes of an `agentgateway.dev.resource.Resource`. Equal resources give equal bytes. */
export function encodeResource(resource: GatewayResource): Uint8Array {
  return toBinary(ResourceSchema, create(ResourceSchema, toMessage(resource)));
}

function toMessage(resource: GatewayResource): Init {
  switch (resource.kind) {
    case 'bind': {
      const { key, port } = resource;
      const protocol = resource.protocol === 'tcp' ? Bind_Protocol.TCP : Bind_Protocol.HTTP;
      return { kind: { case: 'bind', value: { key, port, protocol } } };
    }
    case 'listener': {
      const { key, bindKey, gateway, listenerName, hostname } = resource;
      const name = { gatewayName: gateway.name, gatewayNamespace: gateway.namespace, listenerName };
      const protocol = LISTENER_PROTOCOLS[resource.protocol];
      return { kind: { case: 'listener', value: { key, bindKey, name, hostname, protocol } } };
    }
    case 'route': {
      const { key, listenerKey, name, hostnames } = resource;
      const matches = resource.matches.map(({ path, headers, method }) => ({
        path: { kind: { case: PATH_CASES[path.type], value: path.value } },
        headers: headers.map(({ name, match }) => ({ name, value: { case: match.type, value: match.value } })),
        ...(method !== undefined && { method: { exact: method } }),
      }));
      const backends = resource.backends.map(toRouteBackend);
      return {
        kind: { case: 'route', value: { key, listenerKey, name, hostnames: [...hostnames], matches, backends } },
      };
    }
    case 'tcp_route': {
      const { key, listenerKey, name } = resource;
      return {
        kind: { case: 'tcpRoute', value: { key, listenerKey, name, backends: resource.backends.map(toRouteBackend) } },
      };
    }
    case 'backend': {
      const { key, namespace, name, host, port } = resource;
      return {
        kind: {
          case: 'backend',
          value: { key, name: { namespace, name }, kind: { case: 'static', value: { host, port } } },
        },
      };
    }
    case 'policy': {
      const { key, name, target } = resource;
      const gateway = { ...target.gateway, ...(target.port !== undefined && { port: target.port }) };
      return {
        kind: {
          case: 'policy',
          value: {
            key,
            name,
            target: { kind: { case: 'gateway', value: gateway } },
            kind: { case: 'frontend', value: toFrontend(resource.frontend) },
          },
        },
      };
    }
    default:
      return resource satisfies never;
  }
}

const LISTENER_PROTOCOLS = { http: Protocol.HTTP, tcp: Protocol.TCP } as const satisfies Record<
  ListenerProtocol,
  Protocol
>;

const PATH_CASES = { exact: 'exact', prefix: 'pathPrefix', regex: 'regex' } as const;

function toRouteBackend({ backendKey, weight }: WeightedBackend): MessageInitShape<typeof RouteBackendSchema> {
  return { backend: { kind: { case: 'backend', value: backendKey } }, weight };
}

function toFrontend(policy: FrontendPolicy): MessageInitShape<typeof FrontendPolicySpecSchema> {
  if (policy.section === 'tcp') {
    const { timeMs, intervalMs, retries } = policy.keepalive;
    const keepalives = {
      ...(timeMs !== undefined && { time: toDuration(timeMs) }),
      ...(intervalMs !== undefined && { interval: toDuration(intervalMs) }),
      ...(retries !== undefined && { retries }),
    };
    return { kind: { case: 'tcp', value: { keepalives } } };
  }
  const {
    http1IdleTimeoutMs,
    http2KeepaliveIntervalMs,
    http2KeepaliveTimeoutMs,
    maxConnectionDurationMs,
    http1HeaderCase,
    ...sizes
  } = policy.http;
  return {
    kind: {
      case: 'http',
      value: {
        ...sizes,
        ...(http1HeaderCase !== undefined && {
          http1HeaderCase:
            http1HeaderCase === 'preserve'
              ? FrontendPolicySpec_HTTP_HeaderCase.PRESERVE
              : FrontendPolicySpec_HTTP_HeaderCase.LOWERCASE,
        }),
        ...(http1IdleTimeoutMs !== undefined && { http1IdleTimeout: toDuration(http1IdleTimeoutMs) }),
        ...(http2KeepaliveIntervalMs !== undefined && { http2KeepaliveInterval: toDuration(http2KeepaliveIntervalMs) }),
        ...(http2KeepaliveTimeoutMs !== undefined && { http2KeepaliveTimeout: toDuration(http2KeepaliveTimeoutMs) }),
        ...(maxConnectionDurationMs !== undefined && { maxConnectionDuration: toDuration(maxConnectionDurationMs) }),
      },
    },
  };
}

function toDuration(milliseconds: number): Duration {
  const nanos = (milliseconds % 1000) * 1_000_000;
  return create(DurationSchema, { seconds: BigInt(Math.trunc(milliseconds / 1000)), nanos });
}
