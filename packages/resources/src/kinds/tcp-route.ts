import { type Static, Type } from 'typebox';
import { sectionNameField } from './fields.ts';
import { BackendReference, GATEWAY_GROUP, ParentReferences } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { RouteStatus } from './status.ts';

const Rule = Type.Object(
  {
    name: Type.Optional(sectionNameField('The name of the rule, unique in the route.')),
    backendRefs: Type.Array(BackendReference, { description: 'Where connections go.', minItems: 1, maxItems: 16 }),
  },
  { description: 'Where the connections of the listener go.' },
);

export const TcpRouteSpec = Type.Object(
  {
    parentRefs: Type.Optional(ParentReferences),
    rules: Type.Array(Rule, { description: 'Where connections go.', minItems: 1, maxItems: 1 }),
  },
  { description: 'Which connections go where.', 'x-pulseplane-not-enforced': ['useDefaultGateways'] },
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
