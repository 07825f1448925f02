import { type Static, Type } from 'typebox';
import { atLeastOneOf, byteSizeField, choice, durationField, exactlyOneOf, socketDurationField } from './fields.ts';
import { TARGET_RULES, TargetRefs, TargetSelectors } from './policy-targets.ts';
import { AGENTGATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { PolicyStatus } from './status.ts';

/** What HTTP/2 allows for a window and for a frame (RFC 9113, 6.5.2). */
const MAX_WINDOW = 2_147_483_647;
const MIN_FRAME = 16_384;
const MAX_FRAME = 16_777_215;

const OTHER_FRONTEND = [
  'accessLog',
  'connect',
  'metrics',
  'networkAuthorization',
  'proxyProtocol',
  'tls',
  'tracing',
] as const;

const Keepalive = Type.Object(
  {
    retries: Type.Optional(
      Type.Integer({
        description: 'How many probes may go unanswered before the connection is dropped. 9 when left out.',
        format: 'int32',
        minimum: 1,
        maximum: 64,
      }),
    ),
    time: Type.Optional(
      socketDurationField('time', 'How long a connection must be idle before the first probe. 180s when left out.'),
    ),
    interval: Type.Optional(socketDurationField('interval', 'The time between probes. 180s when left out.')),
  },
  { description: 'TCP keepalive of accepted connections.' },
);

const FrontendTcp = Type.Object(
  { keepalive: Type.Optional(Keepalive) },
  { description: 'Settings of incoming TCP connections.', 'x-kubernetes-validations': [atLeastOneOf(['keepalive'])] },
);

const httpFields = {
  http1HeaderCase: Type.Optional(
    choice(['Lowercase', 'Preserve'], 'How the names of HTTP/1 response headers are written. Lowercase when left out.'),
  ),
  http1IdleTimeout: Type.Optional(
    durationField('http1IdleTimeout', 'How long an HTTP/1 connection may be unused. 10m when left out.'),
  ),
  http1MaxHeaders: Type.Optional(
    Type.Integer({
      description: 'The most headers of an HTTP/1 request. 100 when left out.',
      format: 'int32',
      minimum: 1,
      maximum: 4096,
    }),
  ),
  http2ConnectionWindowSize: Type.Optional(
    byteSizeField('http2ConnectionWindowSize', 'The initial flow-control window of a connection.', { max: MAX_WINDOW }),
  ),
  http2FrameSize: Type.Optional(
    byteSizeField('http2FrameSize', 'The largest frame. 16Ki when left out.', { min: MIN_FRAME, max: MAX_FRAME }),
  ),
  http2KeepaliveInterval: Type.Optional(
    durationField(
      'http2KeepaliveInterval',
      'How long a connection must be quiet before a PING is sent. No PINGs when left out.',
    ),
  ),
  http2KeepaliveTimeout: Type.Optional(
    durationField(
      'http2KeepaliveTimeout',
      'How long to wait for the answer to a PING before the connection is closed. 20s when left out; only with http2KeepaliveInterval.',
    ),
  ),
  http2MaxHeaderSize: Type.Optional(
    byteSizeField('http2MaxHeaderSize', 'The largest decoded headers of an HTTP/2 request. 16Ki when left out.'),
  ),
  http2WindowSize: Type.Optional(
    byteSizeField('http2WindowSize', 'The initial flow-control window of a stream.', { max: MAX_WINDOW }),
  ),
  maxBufferSize: Type.Optional(
    byteSizeField('maxBufferSize', 'The largest body that is held in memory. 2Mi when left out.'),
  ),
  maxConnectionDuration: Type.Optional(
    durationField(
      'maxConnectionDuration',
      'How long a connection may be open; requests under way are finished first. No limit when left out.',
    ),
  ),
};

const FrontendHttp = Type.Object(httpFields, {
  description: 'Settings of incoming HTTP connections.',
  'x-kubernetes-validations': [atLeastOneOf(Object.keys(httpFields))],
});

const Frontend = Type.Object(
  { tcp: Type.Optional(FrontendTcp), http: Type.Optional(FrontendHttp) },
  {
    description: 'How incoming connections are handled. Applies to Gateways only.',
    'x-kubernetes-validations': [atLeastOneOf([...OTHER_FRONTEND, 'http', 'tcp'].sort())],
    'x-pulseplane-not-enforced': OTHER_FRONTEND,
  },
);

export const AgentgatewayPolicySpec = Type.Object(
  {
    targetRefs: Type.Optional(TargetRefs),
    targetSelectors: Type.Optional(TargetSelectors),
    frontend: Type.Optional(Frontend),
  },
  {
    description: 'What the policy sets, and where.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.traffic) || has(self.frontend) || has(self.backend)',
        message: 'At least one of traffic, frontend, or backend must be provided.',
      },
      ...TARGET_RULES,
      exactlyOneOf(['targetRefs', 'targetSelectors']),
    ],
    'x-pulseplane-not-enforced': ['backend', 'strategy', 'traffic'],
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
