/** Envoy's resources, as generated: the parts of them that are sent. */
export {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
} from './gen/envoy/config/cluster/v3/cluster_pb.ts';
export type { AddressSchema, TcpKeepaliveSchema } from './gen/envoy/config/core/v3/address_pb.ts';
export { ApiVersion, type ConfigSourceSchema } from './gen/envoy/config/core/v3/config_source_pb.ts';
export type {
  Http1ProtocolOptionsSchema,
  Http2ProtocolOptionsSchema,
  HttpProtocolOptionsSchema as CommonHttpProtocolOptionsSchema,
} from './gen/envoy/config/core/v3/protocol_pb.ts';
export { ProxyProtocolConfig_Version } from './gen/envoy/config/core/v3/proxy_protocol_pb.ts';
export type { SocketOptionSchema } from './gen/envoy/config/core/v3/socket_option_pb.ts';
export { ClusterLoadAssignmentSchema } from './gen/envoy/config/endpoint/v3/endpoint_pb.ts';
export type { FilterSchema } from './gen/envoy/config/listener/v3/listener_components_pb.ts';
export { ListenerSchema } from './gen/envoy/config/listener/v3/listener_pb.ts';
export {
  RouteAction_ClusterNotFoundResponseCode,
  type RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from './gen/envoy/config/route/v3/route_components_pb.ts';
export { RouteConfigurationSchema } from './gen/envoy/config/route/v3/route_pb.ts';
export { RouterSchema } from './gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
export { ProxyProtocolSchema } from './gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts';
export { TlsInspectorSchema } from './gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts';
export {
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type RdsSchema,
} from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
export { TcpProxySchema } from './gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
export { PreserveCaseFormatterConfigSchema } from './gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.ts';
export { HttpProtocolOptionsSchema } from './gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
export type { StringMatcherSchema } from './gen/envoy/type/matcher/v3/string_pb.ts';
