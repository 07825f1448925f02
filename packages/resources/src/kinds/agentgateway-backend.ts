import { type Static, Type } from 'typebox';
import { exactlyOneOf, portField, text } from './fields.ts';
import { AGENTGATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { ConditionsStatus } from './status.ts';

const OTHER_BACKENDS = ['dynamicForwardProxy', 'mcp', 'aws', 'a2a'] as const;

const StaticBackend = Type.Object(
  {
    host: text({ description: 'The host name or IP address to connect to.', minLength: 1, maxLength: 256 }),
    port: portField('The port to connect to.'),
  },
  { description: 'A fixed address.', 'x-pulseplane-not-enforced': ['unixPath'] },
);

export const AgentgatewayBackendSpec = Type.Object(
  { static: Type.Optional(StaticBackend) },
  {
    description: 'Where to connect to.',
    'x-kubernetes-validations': [exactlyOneOf(['ai', 'static', ...OTHER_BACKENDS])],
    'x-pulseplane-not-enforced': ['ai', ...OTHER_BACKENDS, 'policies'],
  },
);
export type AgentgatewayBackendSpec = Static<typeof AgentgatewayBackendSpec>;

/** AgentgatewayBackends are what routes send traffic to. */
export const AGENTGATEWAY_BACKEND: ResourceKind = defineKind({
  group: AGENTGATEWAY_GROUP,
  version: 'v1alpha1',
  kind: 'AgentgatewayBackend',
  plural: 'agentgatewaybackends',
  singular: 'agentgatewaybackend',
  shortNames: ['agbe'],
  categories: ['agentgateway'],
  description: 'AgentgatewayBackend is a destination that routes can send traffic to.',
  spec: AgentgatewayBackendSpec,
  status: ConditionsStatus,
  columns: [
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].status",
      description: 'Backend configuration acceptance status',
    },
  ],
});
