export {
  type EffectiveFrontend,
  type EffectiveHttp,
  type EffectiveTcpKeepalive,
  effectiveFrontend,
  FRONTEND_DEFAULTS,
} from './effective-frontend.ts';
export { type ExplainedValue, explainFrontend } from './explain-frontend.ts';
export {
  type Backend,
  type Bind,
  type FrontendPolicy,
  type GatewayName,
  type GatewayResource,
  type HttpRoute,
  type HttpSettings,
  type Listener,
  type ListenerProtocol,
  type Policy,
  type PolicyTarget,
  type RouteMatch,
  type RouteName,
  resourceName,
  type StringMatch,
  type TcpKeepalive,
  type TcpRoute,
  type WeightedBackend,
} from './resource.ts';
