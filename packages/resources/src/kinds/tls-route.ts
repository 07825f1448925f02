import { Type } from '../typebox.ts';
import { hostnameField } from './fields.ts';
import { ConnectionRules, GATEWAY_GROUP, ParentReferences, UseDefaultGateways } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { RouteStatus } from './status.ts';

const TlsRouteSpec = Type.Object(
  {
    parentRefs: Type.Optional(ParentReferences),
    hostnames: Type.Optional(
      Type.Array(hostnameField('A host name, or a wildcard such as *.example.com.'), {
        description: 'The server names (SNI) that the route serves; every one when left out.',
        maxItems: 1024,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    rules: ConnectionRules,
    useDefaultGateways: UseDefaultGateways,
  },
  { description: 'Which TLS connections go where.' },
);

/** TLSRoutes send TLS connections of a gateway to backends, by the server name that the client asks for. */
export const TLS_ROUTE: ResourceKind = defineKind({
  group: GATEWAY_GROUP,
  version: 'v1alpha2',
  kind: 'TLSRoute',
  plural: 'tlsroutes',
  singular: 'tlsroute',
  shortNames: [],
  categories: ['gateway-api'],
  description: 'TLSRoute sends the TLS connections that reach a gateway to backends, by server name.',
  spec: TlsRouteSpec,
  status: RouteStatus,
});
