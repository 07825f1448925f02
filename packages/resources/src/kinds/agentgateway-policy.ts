import { type Static, Type } from '../typebox.ts';
import { Backend } from './backend.ts';
import { choice, exactlyOneOf, notEnforced, opaqueObject } from './fields.ts';
import { Frontend } from './frontend.ts';
import { policyHints } from './policy-hints.ts';
import { TARGET_RULES, TargetRefs, TargetSelectors } from './policy-targets.ts';
import { AGENTGATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { PolicyStatus } from './status.ts';

const Strategy = Type.Object(
  {
    inheritance: Type.Optional(
      choice(['Default', 'Override'], 'Whether less specific policies win over more specific ones.'),
    ),
  },
  { description: 'How the policy goes together with others.' },
);

export const AgentgatewayPolicySpec = Type.Object(
  {
    targetRefs: Type.Optional(TargetRefs),
    targetSelectors: Type.Optional(TargetSelectors),
    frontend: Type.Optional(Frontend),
    backend: Type.Optional(Backend),
    strategy: Type.Optional(notEnforced(Strategy)),
    traffic: Type.Optional(notEnforced(opaqueObject('How requests are handled.'))),
  },
  {
    description: 'What the policy sets, and where.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.traffic) || has(self.frontend) || has(self.backend)',
        message: 'At least one of traffic, frontend, or backend must be provided.',
      },
      {
        rule: '!has(self.strategy) || !has(self.strategy.inheritance) || (has(self.traffic) && !has(self.frontend) && !has(self.backend))',
        message: 'strategy.inheritance may only be set on traffic policies',
      },
      ...TARGET_RULES,
      exactlyOneOf(['targetRefs', 'targetSelectors']),
    ],
  },
);
export type AgentgatewayPolicySpec = Static<typeof AgentgatewayPolicySpec>;

/** AgentgatewayPolicies set how the connections of gateways are kept alive. */
export const AGENTGATEWAY_POLICY: ResourceKind = defineKind({
  group: AGENTGATEWAY_GROUP,
  version: 'v1alpha1',
  kind: 'AgentgatewayPolicy',
  plural: 'agentgatewaypolicies',
  singular: 'agentgatewaypolicy',
  shortNames: ['agpol'],
  categories: ['agentgateway'],
  description: 'AgentgatewayPolicy sets how gateways handle connections.',
  spec: AgentgatewayPolicySpec,
  hints: policyHints,
  status: PolicyStatus,
  columns: [
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.ancestors[*].conditions[?(@.type=='Accepted')].status",
      description: 'Agentgateway policy acceptance status',
    },
    {
      name: 'Attached',
      type: 'string',
      jsonPath: ".status.ancestors[*].conditions[?(@.type=='Attached')].status",
      description: 'Agentgateway policy attachment status',
    },
  ],
});
