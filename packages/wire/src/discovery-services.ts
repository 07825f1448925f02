import type { DescService } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from './discovery.ts';
import { ClusterDiscoveryService } from './gen/envoy/service/cluster/v3/cds_pb.ts';
import { AggregatedDiscoveryService } from './gen/envoy/service/discovery/v3/ads_pb.ts';
import { EndpointDiscoveryService } from './gen/envoy/service/endpoint/v3/eds_pb.ts';
import { LocalityEndpointDiscoveryService } from './gen/envoy/service/endpoint/v3/leds_pb.ts';
import { ExtensionConfigDiscoveryService } from './gen/envoy/service/extension/v3/config_discovery_pb.ts';
import { ListenerDiscoveryService } from './gen/envoy/service/listener/v3/lds_pb.ts';
import { RouteDiscoveryService, VirtualHostDiscoveryService } from './gen/envoy/service/route/v3/rds_pb.ts';
import { ScopedRoutesDiscoveryService } from './gen/envoy/service/route/v3/srds_pb.ts';
import { RuntimeDiscoveryService } from './gen/envoy/service/runtime/v3/rtds_pb.ts';
import { SecretDiscoveryService } from './gen/envoy/service/secret/v3/sds_pb.ts';
import { streamingMethod } from './method-codec.ts';

/** A discovery service: which methods it has, and which type it is for. */
export type DiscoveryService = {
  /** The type URL; undefined for the aggregated service. */
  readonly only: string | undefined;
  readonly sotw?: { readonly name: string; readonly method: MethodDefinition<DiscoveryRequest, DiscoveryResponse> };
  readonly delta: {
    readonly name: string;
    readonly method: MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
  };
};

/** One stream carries every type. */
export const aggregatedService: DiscoveryService = serviceFor(AggregatedDiscoveryService, undefined);

/** All discovery services for grpc-js. Their unary Fetch methods are not there, which answers UNIMPLEMENTED. */
export const discoveryServices: readonly DiscoveryService[] = [
  aggregatedService,
  serviceFor(ListenerDiscoveryService, 'envoy.config.listener.v3.Listener'),
  serviceFor(RouteDiscoveryService, 'envoy.config.route.v3.RouteConfiguration'),
  serviceFor(ScopedRoutesDiscoveryService, 'envoy.config.route.v3.ScopedRouteConfiguration'),
  serviceFor(VirtualHostDiscoveryService, 'envoy.config.route.v3.VirtualHost'),
  serviceFor(ClusterDiscoveryService, 'envoy.config.cluster.v3.Cluster'),
  serviceFor(EndpointDiscoveryService, 'envoy.config.endpoint.v3.ClusterLoadAssignment'),
  serviceFor(LocalityEndpointDiscoveryService, 'envoy.config.endpoint.v3.LbEndpoint'),
  serviceFor(SecretDiscoveryService, 'envoy.extensions.transport_sockets.tls.v3.Secret'),
  serviceFor(RuntimeDiscoveryService, 'envoy.service.runtime.v3.Runtime'),
  serviceFor(ExtensionConfigDiscoveryService, 'envoy.config.core.v3.TypedExtensionConfig'),
];

function serviceFor(service: DescService, typeName: string | undefined): DiscoveryService {
  const named = (prefix: string): { readonly name: string; readonly path: string } | undefined => {
    const found = service.methods.find(({ name }) => name.startsWith(prefix));
    return found && { name: found.localName, path: `/${service.typeName}/${found.name}` };
  };
  const sotw = named('Stream');
  const delta = named('Delta');
  if (delta === undefined) throw new Error(`${service.typeName} has no delta method`);
  return {
    only: typeName && `type.googleapis.com/${typeName}`,
    ...(sotw !== undefined && {
      sotw: { name: sotw.name, method: streamingMethod(sotw.path, DiscoveryRequestSchema, DiscoveryResponseSchema) },
    }),
    delta: {
      name: delta.name,
      method: streamingMethod(delta.path, DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema),
    },
  };
}
