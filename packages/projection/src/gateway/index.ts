export { backendPaths, type PortBackendPath, pathName } from './backend-paths.ts';
export {
  BACKEND_DEFAULTS,
  type BackendPath,
  type BackendPolicyIndex,
  type EffectiveBackend,
  effectiveBackend,
  indexBackendPolicies,
  winningSection,
} from './effective-backend.ts';
export {
  type EffectiveFrontend,
  type EffectiveHttp,
  type EffectiveProxyProtocol,
  type EffectiveTcpKeepalive,
  type EffectiveTls,
  effectiveFrontend,
  FRONTEND_DEFAULTS,
  winningPolicies,
} from './effective-frontend.ts';
export { explainBackend } from './explain-backend.ts';
export { explainFrontend } from './explain-frontend.ts';
export type { ExplainedValue } from './explained-value.ts';
export { hostnameMatches, hostnameRank } from './hostname.ts';
export { carriesHttp, carriesTls, portProtocol } from './port-protocol.ts';
export { PrivateKey } from './private-key.ts';
export {
  type Backend,
  type BackendPolicy,
  type BackendTarget,
  type Bind,
  type BindProtocol,
  type Certificate,
  type FrontendPolicy,
  type FrontendTarget,
  type GatewayName,
  type GatewayResource,
  type HttpRoute,
  type HttpSettings,
  type HttpVersion,
  type Listener,
  type ListenerProtocol,
  type ListenerTls,
  type Policy,
  type PolicyOnBackend,
  type PolicyOnFrontend,
  type ProxyProtocol,
  type RouteMatch,
  type RouteName,
  resourceName,
  type StringMatch,
  type TcpKeepalive,
  type TcpRoute,
  type WeightedBackend,
} from './resource.ts';
export { type RouteCandidate, routesInPrecedence } from './route-precedence.ts';
export { KEEPALIVE_DEFAULTS, type SocketKeepalive } from './socket-keepalive.ts';
export type { CipherSuite, KeyExchangeGroup, TlsSettings, TlsVersion } from './tls-settings.ts';
