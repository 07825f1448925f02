import { Type } from 'typebox';
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
    (list) =>
      `"the 'frontend' field can only target a Gateway, not " + self.${list}.filter(t, t.kind != 'Gateway')[0].kind`,
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
