import { Type } from '../typebox.ts';
import {
  atLeastOneOf,
  atMostOneOf,
  choice,
  durationField,
  hostnameField,
  nameField,
  notEnforced,
  notEnforcedSections,
} from './fields.ts';
import { Keepalive } from './keepalive.ts';
import { alpnField, keyExchangeGroupsField } from './tls-fields.ts';

const Tcp = Type.Object(
  {
    connectTimeout: Type.Optional(
      durationField('connectTimeout', 'How long connecting may take. 10s when left out.', {
        min: '100ms',
      }),
    ),
    keepalive: Type.Optional(Keepalive),
  },
  { description: 'Settings of outgoing TCP connections.' },
);

const Http = Type.Object(
  {
    requestTimeout: Type.Optional(
      durationField('requestTimeout', 'How long it may take until the answer to a request begins.', { min: '1ms' }),
    ),
    version: Type.Optional(choice(['HTTP1', 'HTTP2'], 'The version of HTTP; HTTP1 when left out.')),
  },
  { description: 'Settings of outgoing HTTP requests.' },
);

const CaCertificateReference = Type.Object(
  {
    kind: Type.Optional(choice(['ConfigMap', 'Secret'], 'The kind of the referenced object.', 'ConfigMap')),
    name: nameField(),
  },
  { description: 'What holds the certificates of authorities.', 'x-kubernetes-map-type': 'atomic' },
);

const ClientCertificateReference = Type.Object(
  {
    group: Type.Optional(Type.String({ description: 'The API group of the referenced object.' })),
    kind: Type.Optional(Type.String({ description: 'The kind of the referenced object.' })),
    name: nameField(),
  },
  {
    description: 'What holds a certificate and its key.',
    'x-kubernetes-map-type': 'atomic',
    'x-kubernetes-validations': [
      {
        rule: "(!has(self.group) || size(self.group) == 0) ? (!has(self.kind) || size(self.kind) == 0 || self.kind == 'Secret') : (has(self.kind) && size(self.kind) > 0)",
        message: 'custom credential refs must set both group and kind',
      },
    ],
  },
);

const ONE_REFERENCE = { maxItems: 1, 'x-kubernetes-list-type': 'atomic' };

const Tls = Type.Object(
  {
    alpnProtocols: Type.Optional(alpnField()),
    caCertificateRefs: Type.Optional(
      Type.Array(CaCertificateReference, { description: 'The authorities that are trusted.', ...ONE_REFERENCE }),
    ),
    certificateSource: Type.Optional(
      choice(['Inline', 'SPIFFE'], 'Where certificates come from: the references, or SPIFFE.', 'Inline'),
    ),
    insecureSkipVerify: Type.Optional(choice(['All', 'Hostname'], 'What is not verified.')),
    keyExchangeGroups: Type.Optional(keyExchangeGroupsField()),
    mtlsCertificateRef: Type.Optional(
      Type.Array(ClientCertificateReference, { description: 'The certificate that is shown.', ...ONE_REFERENCE }),
    ),
    sni: Type.Optional(hostnameField('The server name that is asked for.', { wildcard: false })),
    verifySubjectAltNames: Type.Optional(
      Type.Array(Type.String({ description: 'A name.', minLength: 1, maxLength: 256 }), {
        description: 'The names of which the certificate must have one.',
        minItems: 1,
        maxItems: 16,
      }),
    ),
  },
  {
    description: 'Settings of outgoing TLS connections.',
    'x-kubernetes-validations': [
      {
        rule: "has(self.insecureSkipVerify) && self.insecureSkipVerify == 'All' ? !has(self.caCertificateRefs) : true",
        message: 'insecureSkipVerify All and caCertificateRefs may not be set together',
      },
      {
        rule: 'has(self.insecureSkipVerify) ? !has(self.verifySubjectAltNames) : true',
        message: 'insecureSkipVerify and verifySubjectAltNames may not be set together',
      },
      {
        rule: "!has(self.certificateSource) || self.certificateSource != 'SPIFFE' || (!has(self.mtlsCertificateRef) && !has(self.caCertificateRefs) && !has(self.insecureSkipVerify))",
        message:
          'certificateSource SPIFFE may not be combined with mtlsCertificateRef, caCertificateRefs, or insecureSkipVerify',
      },
      atMostOneOf(['verifySubjectAltNames', 'insecureSkipVerify']),
    ],
  },
);

const sections = {
  ...notEnforcedSections({
    ai: 'How language models are used.',
    auth: 'The credentials that are sent.',
    extAuth: 'Who is asked whether a request may pass.',
    health: 'When a backend counts as unhealthy.',
    mcp: 'How MCP servers are used.',
    transformation: 'How requests and responses are changed.',
    tunnel: 'The proxy that connections go through.',
  }),
  http: Type.Optional(Http),
  tcp: Type.Optional(Tcp),
  tls: Type.Optional(notEnforced(Tls)),
};

/** How outgoing connections are handled. */
export const Backend = Type.Object(sections, {
  description: 'How outgoing connections are handled.',
  'x-kubernetes-validations': [atLeastOneOf(Object.keys(sections).sort())],
});
