import { Type } from 'typebox';
import { groupField, kindField, nameField, namespaceField, portField, sectionNameField } from './fields.ts';

/** The group of Gateway API. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** The group of agentgateway. */
export const AGENTGATEWAY_GROUP = 'agentgateway.dev';

/** What a route attaches to. */
const ParentReference = Type.Object(
  {
    group: Type.Optional(groupField(GATEWAY_GROUP)),
    kind: Type.Optional(kindField('Gateway')),
    namespace: Type.Optional(namespaceField()),
    name: nameField(),
    sectionName: Type.Optional(sectionNameField('The name of a listener of the gateway.')),
    port: Type.Optional(portField('The port of a listener of the gateway.')),
  },
  {
    description: 'A Gateway, one of its listeners, or one of its ports.',
    'x-kubernetes-validations': [
      {
        rule: `self.group == '${GATEWAY_GROUP}' && self.kind == 'Gateway'`,
        message: `a parent must be a Gateway of group ${GATEWAY_GROUP}; other kinds are not supported`,
      },
    ],
  },
);

/** The parents of a route. */
export const ParentReferences = Type.Array(ParentReference, {
  description: 'The gateways that the route attaches to.',
  maxItems: 32,
});

/** Where a rule sends traffic, and how much of it. */
export const BackendReference = Type.Object(
  {
    // Gateway API's own defaults, so that a manifest means the same on a cluster.
    group: Type.Optional(groupField('')),
    kind: Type.Optional(kindField('Service')),
    namespace: Type.Optional(namespaceField()),
    name: nameField(),
    weight: Type.Optional(
      Type.Integer({
        description: 'The share of the traffic, out of the sum of all weights of the rule.',
        format: 'int32',
        minimum: 0,
        maximum: 1_000_000,
        default: 1,
      }),
    ),
  },
  {
    description: 'An AgentgatewayBackend and its weight.',
    'x-kubernetes-validations': [
      {
        rule: `self.group == '${AGENTGATEWAY_GROUP}' && self.kind == 'AgentgatewayBackend'`,
        message: `a backend must be an AgentgatewayBackend of group ${AGENTGATEWAY_GROUP}; other kinds are not supported`,
        messageExpression: `"a backend must be an AgentgatewayBackend of group ${AGENTGATEWAY_GROUP}, not " + self.kind + " of group '" + self.group + "'"`,
      },
    ],
    'x-pulseplane-not-enforced': ['filters', 'port'],
  },
);
