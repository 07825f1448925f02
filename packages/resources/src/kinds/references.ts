import { Type } from '../typebox.ts';
import type { ValidationRule } from '../validation/json-schema.ts';
import {
  choice,
  groupField,
  kindField,
  nameField,
  namespaceField,
  notEnforced,
  opaqueList,
  portField,
  sectionNameField,
} from './fields.ts';

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

const SAME_PARENT =
  "p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__))";

/** The parents of a route. */
export const ParentReferences = Type.Array(ParentReference, {
  description: 'The gateways that the route attaches to.',
  maxItems: 32,
  'x-kubernetes-list-type': 'atomic',
  'x-kubernetes-validations': [
    {
      rule: `self.all(p1, self.all(p2, ${SAME_PARENT} ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '') && (!has(p1.port) || p1.port == 0) == (!has(p2.port) || p2.port == 0)) : true))`,
      message: 'sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
    },
    {
      rule: `self.all(p1, self.exists_one(p2, ${SAME_PARENT} && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName)) && (((!has(p1.port) || p1.port == 0) && (!has(p2.port) || p2.port == 0)) || (has(p1.port) && has(p2.port) && p1.port == p2.port))))`,
      message: 'sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
    },
  ],
});

/** A field of routes that attaches them to gateways which they do not name. */
export const UseDefaultGateways = Type.Optional(
  notEnforced(choice(['All', 'None'], 'Which default gateways the route attaches to.')),
);

/** Rules of a route have names of their own. */
export const UNIQUE_RULE_NAMES: ValidationRule = {
  rule: 'self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))',
  message: 'Rule name must be unique within the route',
};

const backendReferenceFields = {
  // Gateway API's own defaults, so that a manifest means the same on a cluster.
  group: Type.Optional(groupField('')),
  kind: Type.Optional(kindField('Service')),
  namespace: Type.Optional(namespaceField()),
  name: nameField(),
  port: Type.Optional(notEnforced(portField('The port of a Service.'))),
  weight: Type.Optional(
    Type.Integer({
      description: 'The share of the traffic, out of the sum of all weights of the rule.',
      format: 'int32',
      minimum: 0,
      maximum: 1_000_000,
      default: 1,
    }),
  ),
};

const backendReferenceOptions = {
  description: 'An AgentgatewayBackend and its weight.',
  'x-kubernetes-validations': [
    {
      rule: `self.group == '${AGENTGATEWAY_GROUP}' && self.kind == 'AgentgatewayBackend'`,
      message: `a backend must be an AgentgatewayBackend of group ${AGENTGATEWAY_GROUP}; other kinds are not supported`,
      messageExpression: `"a backend must be an AgentgatewayBackend of group ${AGENTGATEWAY_GROUP}, not " + self.kind + " of group '" + self.group + "'"`,
    },
  ],
};

/** Where a rule sends connections, and how many of them. */
const BackendReference = Type.Object(backendReferenceFields, backendReferenceOptions);

/** Where a rule sends requests, and how many of them. */
export const HttpBackendReference = Type.Object(
  { ...backendReferenceFields, filters: Type.Optional(notEnforced(opaqueList('What happens on the way.'))) },
  backendReferenceOptions,
);

/** The one rule of a route for connections. */
export const ConnectionRules = Type.Array(
  Type.Object(
    {
      name: Type.Optional(sectionNameField('The name of the rule, unique in the route.')),
      backendRefs: Type.Array(BackendReference, {
        description: 'Where connections go.',
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
      }),
    },
    { description: 'Where the connections of the listener go.' },
  ),
  { description: 'Where connections go.', minItems: 1, maxItems: 1, 'x-kubernetes-list-type': 'atomic' },
);
