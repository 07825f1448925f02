import { Type } from '../typebox.ts';
import type { ValidationRule } from '../validation/json-schema.ts';
import { atMostOneOf, groupField, kindField, nameField, portField, sectionNameField, stringMap } from './fields.ts';

const LIST_RULES: readonly ValidationRule[] = [
  {
    rule: "self.all(r, (r.kind == 'Service' && r.group == '') || (r.kind == 'AgentgatewayBackend' && r.group == 'agentgateway.dev') || (r.kind in ['Gateway', 'HTTPRoute', 'GRPCRoute'] && r.group == 'gateway.networking.k8s.io') || (r.kind == 'ListenerSet' && r.group == 'gateway.networking.k8s.io') || (r.kind == 'InferencePool' && r.group == 'inference.networking.k8s.io'))",
    message:
      'targetRefs may only reference Gateway, HTTPRoute, GRPCRoute, ListenerSet, Service, AgentgatewayBackend, or InferencePool resources',
  },
  {
    rule: 'self.all(l1, !self.exists(l2, l1.kind != l2.kind))',
    message: 'Only one Kind of targetRef can be set on one policy',
  },
];

const part = {
  sectionName: Type.Optional(sectionNameField('The named section of the target.')),
  port: Type.Optional(portField('The port of the gateway that the policy applies to.')),
};
const oneTarget = { 'x-kubernetes-validations': [atMostOneOf(['sectionName', 'port'])] };
const listLimits = { minItems: 1, maxItems: 16, 'x-kubernetes-validations': LIST_RULES };

/** Targets by name, in the namespace of the policy. */
export const TargetRefs = Type.Array(
  Type.Object(
    { group: groupField(), kind: kindField(), name: nameField(), ...part },
    { description: 'One object in the namespace of the policy, or a part of it.', ...oneTarget },
  ),
  { description: 'The objects that the policy applies to.', ...listLimits, 'x-kubernetes-list-type': 'atomic' },
);

/** Targets by label, in the namespace of the policy. */
export const TargetSelectors = Type.Array(
  Type.Object(
    { group: groupField(), kind: kindField(), matchLabels: stringMap('Labels that a target must have.'), ...part },
    { description: 'All objects in the namespace of the policy that have the labels.', ...oneTarget },
  ),
  { description: 'Selects the objects that the policy applies to.', ...listLimits },
);

const LISTENER_MESSAGE =
  'frontend tcp, networkAuthorization, tls, http, proxyProtocol, and connect policies may only target a Gateway or port, not a listener (sectionName)';
const PORT_MESSAGE = 'port may only be set on frontend-only policies (not traffic or backend)';
const CONNECTION_SECTIONS = ['tcp', 'networkAuthorization', 'tls', 'http', 'proxyProtocol', 'connect']
  .map((section) => `has(self.frontend.${section})`)
  .join(' || ');

/** What a policy may target depends on what it sets; agentgateway's rules on the whole spec. */
export const TARGET_RULES: readonly ValidationRule[] = [
  ...bothLists(
    (list) => `has(self.frontend) && has(self.${list}) ? self.${list}.all(t, t.kind == 'Gateway') : true`,
    "the 'frontend' field can only target a Gateway",
    // An API server cannot tell what the whole list would cost, so the message names the first target at most.
    (list) =>
      `"the 'frontend' field can only target a Gateway, not " + (self.${list}[0].kind == 'Gateway' ? 'another kind' : self.${list}[0].kind)`,
  ),
  ...bothLists(
    (list) =>
      `has(self.frontend) && (${CONNECTION_SECTIONS}) && has(self.${list}) ? self.${list}.all(t, !has(t.sectionName)) : true`,
    LISTENER_MESSAGE,
  ),
  ...bothLists(
    (list) =>
      `has(self.${list}) && self.${list}.exists(t, has(t.port)) ? (has(self.frontend) && !has(self.traffic) && !has(self.backend)) : true`,
    PORT_MESSAGE,
  ),
  ...bothLists(
    (list) =>
      `has(self.traffic) && has(self.${list}) ? self.${list}.all(t, t.kind in ['Gateway', 'HTTPRoute', 'GRPCRoute', 'ListenerSet', 'InferencePool']) : true`,
    "the 'traffic' field can only target a Gateway, ListenerSet, GRPCRoute, HTTPRoute, or InferencePool",
  ),
  ...['mcp', 'ai'].map((section) => ({
    rule: `!has(self.backend) || !has(self.backend.${section}) || ((!has(self.targetRefs) || !self.targetRefs.exists(t, t.kind == 'Service')) && (!has(self.targetSelectors) || !self.targetSelectors.exists(t, t.kind == 'Service')))`,
    message: `backend.${section} may not be used with a Service target`,
  })),
  {
    rule: "!has(self.backend) || !has(self.backend.mcp) || ((!has(self.targetRefs) || !self.targetRefs.exists(t, t.kind == 'AgentgatewayBackend' && has(t.sectionName))) && (!has(self.targetSelectors) || !self.targetSelectors.exists(t, t.kind == 'AgentgatewayBackend' && has(t.sectionName))))",
    message: 'backend.mcp may not target an AgentgatewayBackend sectionName',
  },
  ...bothLists(
    (list) =>
      `!has(self.${list}) || self.${list}.all(t, t.kind != 'Service' || !has(t.sectionName) || (int(t.sectionName) >= 1 && int(t.sectionName) <= 65535))`,
    'Service sectionName must be a numeric port from 1 to 65535',
  ),
  ...bothLists(
    (list) =>
      `!has(self.${list}) || !self.${list}.exists(t, t.kind in ['Service', 'GRPCRoute', 'ListenerSet', 'InferencePool'])`,
    'targets of kind Service, GRPCRoute, ListenerSet and InferencePool are not supported by Pulseplane',
    (list) => `'targets of kind ' + self.${list}[0].kind + ' are not supported by Pulseplane'`,
  ),
];

function bothLists(
  rule: (list: string) => string,
  message: string,
  expression?: (list: string) => string,
): readonly ValidationRule[] {
  return ['targetRefs', 'targetSelectors'].map((list) => ({
    rule: rule(list),
    message,
    ...(expression && { messageExpression: expression(list) }),
  }));
}
