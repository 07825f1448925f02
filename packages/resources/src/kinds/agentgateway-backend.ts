import { type Static, Type } from '../typebox.ts';
import { Backend } from './backend.ts';
import { backendHints } from './backend-hints.ts';
import { exactlyOneOf, notEnforced, notEnforcedSections, portField, text } from './fields.ts';
import { AGENTGATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { ConditionsStatus } from './status.ts';

// Host and port are optional in the schema, as unixPath may stand for them there; it is refused here, so they are set.
const StaticBackend = Type.Unsafe<{ readonly host: string; readonly port: number }>(
  Type.Object(
    {
      host: Type.Optional(
        text({ description: 'The host name or IP address to connect to.', minLength: 1, maxLength: 256 }),
      ),
      port: Type.Optional(portField('The port to connect to.')),
      unixPath: Type.Optional(notEnforced(text({ description: 'The socket file to connect to.', minLength: 1 }))),
    },
    {
      description: 'A fixed address.',
      'x-kubernetes-validations': [
        {
          rule: 'has(self.unixPath) || (has(self.host) && has(self.port))',
          message: 'must specify either unixPath or both host and port',
        },
        {
          rule: '!has(self.unixPath) || (!has(self.host) && !has(self.port))',
          message: 'unixPath and host/port are mutually exclusive',
        },
      ],
    },
  ),
);

export const AgentgatewayBackendSpec = Type.Object(
  {
    static: Type.Optional(StaticBackend),
    ...notEnforcedSections({
      a2a: 'An agent.',
      ai: 'A language model.',
      aws: 'A service of AWS.',
      dynamicForwardProxy: 'Wherever the request says.',
      mcp: 'MCP servers.',
    }),
    policies: Type.Optional(Backend),
  },
  {
    description: 'Where to connect to.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.policies) && has(self.policies.ai) ? has(self.ai) : true',
        message: 'AI policies require AI backend',
      },
      {
        rule: 'has(self.policies) && has(self.policies.mcp) ? has(self.mcp) : true',
        message: 'MCP policies require MCP backend',
      },
      exactlyOneOf(['ai', 'static', 'dynamicForwardProxy', 'mcp', 'aws', 'a2a']),
    ],
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
  hints: backendHints,
  columns: [
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].status",
      description: 'Backend configuration acceptance status',
    },
  ],
});
