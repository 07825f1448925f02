import { Type } from '../typebox.ts';
import { atLeastOneOf, byteSizeField, choice, durationField, notEnforcedSections } from './fields.ts';
import { Keepalive } from './keepalive.ts';
import { alpnField, keyExchangeGroupsField } from './tls-fields.ts';

/** What HTTP/2 allows for a window and for a frame (RFC 9113, 6.5.2). */
const MAX_WINDOW = 2_147_483_647;
const MIN_FRAME = 16_384;
const MAX_FRAME = 16_777_215;

/** Cipher suites by agentgateway's names; the first three are those of TLS 1.3. */
const CIPHER_SUITES = [
  'TLS13_AES_128_GCM_SHA256',
  'TLS13_AES_256_GCM_SHA384',
  'TLS13_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
] as const;
export type CipherSuite = (typeof CIPHER_SUITES)[number];

const TLS_VERSIONS = ['1.2', '1.3'] as const;

const Tcp = Type.Object(
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

const Http = Type.Object(httpFields, {
  description: 'Settings of incoming HTTP connections.',
  'x-kubernetes-validations': [atLeastOneOf(Object.keys(httpFields))],
});

const tlsFields = {
  alpnProtocols: Type.Optional(alpnField()),
  cipherSuites: Type.Optional(
    Type.Array(choice(CIPHER_SUITES, 'The name of a cipher suite.'), { description: 'The cipher suites, best first.' }),
  ),
  handshakeTimeout: Type.Optional(
    durationField('handshakeTimeout', 'How long a handshake may take. 15s when left out.', { min: '100ms' }),
  ),
  keyExchangeGroups: Type.Optional(keyExchangeGroupsField()),
  maxProtocolVersion: Type.Optional(choice(TLS_VERSIONS, 'The newest version of TLS.')),
  minProtocolVersion: Type.Optional(choice(TLS_VERSIONS, 'The oldest version of TLS.')),
};

const Tls = Type.Object(tlsFields, {
  description: 'Settings of incoming TLS connections.',
  'x-kubernetes-validations': [
    atLeastOneOf(Object.keys(tlsFields)),
    {
      rule: "!has(self.minProtocolVersion) || !has(self.maxProtocolVersion) || self.minProtocolVersion == '1.2' || self.maxProtocolVersion == '1.3'",
      message: 'minProtocolVersion must not be newer than maxProtocolVersion',
    },
  ],
});

const ProxyProtocol = Type.Object(
  {
    mode: Type.Optional(
      choice(['Optional', 'Strict'], 'Whether connections without a PROXY header are refused.', 'Strict'),
    ),
    version: Type.Optional(choice(['All', 'V1', 'V2'], 'The versions of the PROXY protocol.', 'V2')),
  },
  { description: 'The PROXY protocol of incoming connections.' },
);

const sections = {
  ...notEnforcedSections({
    accessLog: 'How requests are logged.',
    connect: 'What CONNECT requests do.',
    metrics: 'What is counted.',
    networkAuthorization: 'Which connections are let in.',
    tracing: 'How requests are traced.',
  }),
  http: Type.Optional(Http),
  proxyProtocol: Type.Optional(ProxyProtocol),
  tcp: Type.Optional(Tcp),
  tls: Type.Optional(Tls),
};

/** How incoming connections are handled. */
export const Frontend = Type.Object(sections, {
  description: 'How incoming connections are handled. Applies to Gateways only.',
  'x-kubernetes-validations': [atLeastOneOf(Object.keys(sections).sort())],
});
