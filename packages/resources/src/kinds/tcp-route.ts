import { type Static, Type } from '../typebox.ts';
import { ConnectionRules, GATEWAY_GROUP, ParentReferences, UseDefaultGateways } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { RouteStatus } from './status.ts';

export const TcpRouteSpec = Type.Object(
  { parentRefs: Type.Optional(ParentReferences), rules: ConnectionRules, useDefaultGateways: UseDefaultGateways },
  { description: 'Which connections go where.' },
);
export type TcpRouteSpec = Static<typeof TcpRouteSpec>;

/** TCPRoutes send connections of a gateway to backends. */
export const TCP_ROUTE: ResourceKind = defineKind({
  group: GATEWAY_GROUP,
  version: 'v1alpha2',
  kind: 'TCPRoute',
  plural: 'tcproutes',
  singular: 'tcproute',
  shortNames: [],
  categories: ['gateway-api'],
  description: 'TCPRoute sends the TCP connections that reach a gateway to backends.',
  spec: TcpRouteSpec,
  status: RouteStatus,
});
