import { type Static, Type } from '../typebox.ts';
import {
  choice,
  groupField,
  hostnameField,
  kindField,
  nameField,
  namespaceField,
  notEnforced,
  notEnforcedSections,
  opaqueList,
  portField,
  sectionNameField,
  stringMap,
  text,
} from './fields.ts';
import { GATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { GatewayStatus, waitingForController } from './status.ts';

const PROTOCOL =
  '^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$';

const LabelSelector = Type.Object(
  {
    matchLabels: Type.Optional(stringMap('Labels that must be there.')),
    matchExpressions: Type.Optional(opaqueList('Conditions on labels.')),
  },
  { description: 'Selects by labels.', 'x-kubernetes-map-type': 'atomic' },
);

const RouteGroupKind = Type.Object(
  { group: Type.Optional(groupField(GATEWAY_GROUP)), kind: kindField() },
  { description: 'A kind of routes.' },
);

const AllowedRoutes = Type.Object(
  {
    kinds: Type.Optional(
      notEnforced(
        Type.Array(RouteGroupKind, {
          description: 'The kinds of routes; those that fit the protocol when left out.',
          maxItems: 8,
          'x-kubernetes-list-type': 'atomic',
        }),
      ),
    ),
    namespaces: Type.Optional(
      Type.Object(
        {
          from: Type.Optional(
            Type.Unsafe<'All' | 'Same'>({
              ...choice(['All', 'Selector', 'Same'], 'All namespaces, or only that of the gateway.', 'Same'),
              'x-kubernetes-validations': [
                { rule: "self != 'Selector'", message: 'Selector is not enforced by Pulseplane; use All or Same' },
              ],
            }),
          ),
          selector: Type.Optional(notEnforced(LabelSelector)),
        },
        { description: 'The namespaces that routes may come from.', default: { from: 'Same' } },
      ),
    ),
  },
  { description: 'The routes that may attach.', default: { namespaces: { from: 'Same' } } },
);

const CertificateReference = Type.Object(
  {
    group: Type.Optional(groupField('')),
    kind: Type.Optional(kindField('Secret')),
    name: nameField(),
    namespace: Type.Optional(namespaceField()),
  },
  { description: 'What holds a certificate and its key.' },
);

const ListenerTls = Type.Object(
  {
    mode: Type.Optional(choice(['Terminate', 'Passthrough'], 'Whether TLS ends here or at the backend.', 'Terminate')),
    certificateRefs: Type.Optional(
      Type.Array(CertificateReference, {
        description: 'The Secrets with the certificates that are shown; the first where no name fits.',
        maxItems: 64,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    options: Type.Optional(
      notEnforced(
        Type.Unsafe<{ readonly [key: string]: string }>({
          type: 'object',
          description: 'Settings of an implementation.',
          maxProperties: 16,
          additionalProperties: { type: 'string', maxLength: 4096 },
        }),
      ),
    ),
  },
  {
    description: 'How TLS is spoken.',
    'x-kubernetes-validations': [
      {
        rule: "self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true",
        message: 'certificateRefs or options must be specified when mode is Terminate',
      },
      {
        rule: "self.mode != 'Passthrough' || !has(self.certificateRefs) || size(self.certificateRefs) == 0",
        message: 'certificateRefs must not be set when mode is Passthrough',
      },
    ],
  },
);

const Listener = Type.Object(
  {
    name: sectionNameField('The name of the listener, unique in the gateway.'),
    hostname: Type.Optional(hostnameField('The host name to serve; every one when left out.')),
    port: portField('The port to listen on.'),
    protocol: Type.String({
      description: 'What the listener speaks: HTTP, HTTPS, TCP or TLS.',
      minLength: 1,
      maxLength: 255,
      pattern: PROTOCOL,
      'x-kubernetes-validations': [
        {
          rule: "self in ['HTTP', 'HTTPS', 'TCP', 'TLS']",
          message: 'protocol is not supported yet; use HTTP, HTTPS, TCP or TLS',
          messageExpression: "'protocol ' + self + ' is not supported yet; use HTTP, HTTPS, TCP or TLS'",
        },
      ],
    }),
    allowedRoutes: Type.Optional(AllowedRoutes),
    tls: Type.Optional(ListenerTls),
  },
  { description: 'A port with its protocol.' },
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
          rule: "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)",
          message: "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
        },
        {
          rule: "self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
          message: 'tls mode must be Terminate for protocol HTTPS',
        },
        {
          rule: "self.all(l, (l.protocol == 'TLS' ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))",
          message: 'tls mode must be set for protocol TLS',
        },
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
    addresses: Type.Optional(notEnforced(opaqueList('The addresses to listen on.'))),
    defaultScope: Type.Optional(notEnforced(choice(['All', 'None'], 'Which routes attach without naming a gateway.'))),
    ...notEnforcedSections({
      allowedListeners: 'The ListenerSets that may attach.',
      backendTLS: 'How TLS is spoken to backends.',
      infrastructure: 'How the workers are deployed.',
      tls: 'How TLS is spoken on all ports.',
    }),
  },
  { description: 'What the gateway listens on.' },
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
  initialStatus: { conditions: [waitingForController('Accepted'), waitingForController('Programmed')] },
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
