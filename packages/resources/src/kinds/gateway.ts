import { type Static, Type } from 'typebox';
import { choice, hostnameField, portField, sectionNameField, text } from './fields.ts';
import { GATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { GatewayStatus } from './status.ts';

const AllowedRoutes = Type.Object(
  {
    namespaces: Type.Optional(
      Type.Object(
        { from: Type.Optional(choice(['All', 'Same'], 'All namespaces, or only that of the gateway.', 'Same')) },
        {
          description: 'The namespaces that routes may come from.',
          default: { from: 'Same' },
          'x-pulseplane-not-enforced': ['selector'],
        },
      ),
    ),
  },
  {
    description: 'The routes that may attach.',
    default: { namespaces: { from: 'Same' } },
    'x-pulseplane-not-enforced': ['kinds'],
  },
);

const Listener = Type.Object(
  {
    name: sectionNameField('The name of the listener, unique in the gateway.'),
    hostname: Type.Optional(hostnameField('The host name to serve; every one when left out.')),
    port: portField('The port to listen on.'),
    protocol: Type.String({
      description: 'What the listener speaks: HTTP or TCP.',
      minLength: 1,
      maxLength: 255,
      'x-kubernetes-validations': [
        {
          rule: "self in ['HTTP', 'TCP']",
          message: 'protocol is not supported yet; use HTTP or TCP',
          messageExpression: "'protocol ' + self + ' is not supported yet; use HTTP or TCP'",
        },
      ],
    }),
    allowedRoutes: Type.Optional(AllowedRoutes),
  },
  { description: 'A port with its protocol.', 'x-pulseplane-not-enforced': ['tls'] },
);

export const GatewaySpec = Type.Object(
  {
    gatewayClassName: text({ description: 'The class of the gateway.', minLength: 1, maxLength: 253 }),
    listeners: Type.Array(Listener, {
      description: 'The ports that the gateway listens on.',
      minItems: 1,
      maxItems: 64,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-validations': [
        {
          rule: "self.all(l, l.protocol in ['TCP', 'UDP'] ? (!has(l.hostname) || l.hostname == '') : true)",
          message: "hostname must not be specified for protocols ['TCP', 'UDP']",
        },
        {
          rule: 'self.all(l1, self.exists_one(l2, l1.name == l2.name))',
          message: 'Listener name must be unique within the Gateway',
        },
        {
          rule: 'self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))',
          message: 'Combination of port, protocol and hostname must be unique for each listener',
        },
      ],
    }),
  },
  {
    description: 'What the gateway listens on.',
    'x-pulseplane-not-enforced': [
      'addresses',
      'allowedListeners',
      'backendTLS',
      'defaultScope',
      'infrastructure',
      'tls',
    ],
  },
);
export type GatewaySpec = Static<typeof GatewaySpec>;

/** Gateways are what workers run as. */
export const GATEWAY: ResourceKind = defineKind({
  group: GATEWAY_GROUP,
  version: 'v1',
  kind: 'Gateway',
  plural: 'gateways',
  singular: 'gateway',
  shortNames: ['gtw'],
  categories: ['gateway-api'],
  description: 'Gateway is a set of listeners that workers serve.',
  spec: GatewaySpec,
  status: GatewayStatus,
  columns: [
    { name: 'Class', type: 'string', jsonPath: '.spec.gatewayClassName', description: 'The class of the gateway.' },
    {
      name: 'Address',
      type: 'string',
      jsonPath: '.status.addresses[*].value',
      description: 'Where it can be reached.',
    },
    {
      name: 'Programmed',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Programmed')].status",
      description: 'Whether workers run this configuration.',
    },
  ],
});
