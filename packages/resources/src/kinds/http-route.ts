import { RE2JS } from 're2js';
import { DURATION_PATTERN } from '../duration.ts';
import type { JsonObject } from '../object.ts';
import { type Static, Type } from '../typebox.ts';
import { type FieldError, invalidValue } from '../validation/field-error.ts';
import type { ValidationRule } from '../validation/json-schema.ts';
import { choice, hostnameField, notEnforced, notEnforcedSections, opaqueList, sectionNameField } from './fields.ts';
import {
  GATEWAY_GROUP,
  HttpBackendReference,
  ParentReferences,
  UNIQUE_RULE_NAMES,
  UseDefaultGateways,
} from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { RouteStatus } from './status.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

/** The characters of an HTTP token (RFC 9110, 5.6.2). */
const HEADER_NAME = "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$";

/** The most rules of a route, and the most matches of all rules together. */
const MAX_RULES = 16;
const MAX_MATCHES = 128;

/** Gateway API's rules for the path of an Exact or PathPrefix match. */
const PATH_RULES: readonly ValidationRule[] = [
  pathRule(
    "self.value.startsWith('/')",
    "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
  ),
  ...['//', '/./', '/../', '%2f', '%2F', '#'].map((part) =>
    pathRule(`!self.value.contains('${part}')`, `must not contain '${part}' when type one of ['Exact', 'PathPrefix']`),
  ),
  ...['/..', '/.'].map((end) =>
    pathRule(`!self.value.endsWith('${end}')`, `must not end with '${end}' when type one of ['Exact', 'PathPrefix']`),
  ),
  pathRule(
    'self.value.matches(r"^(?:[-A-Za-z0-9/._~!$&\'()*+,;=:@]|[%][0-9a-fA-F]{2})+$")',
    "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
  ),
];

const PathMatch = Type.Object(
  {
    type: Type.Optional(
      choice(['Exact', 'PathPrefix', 'RegularExpression'], 'How the path is compared.', 'PathPrefix'),
    ),
    value: Type.Optional(
      Type.String({ description: 'What the path is compared with.', maxLength: 1024, default: '/' }),
    ),
  },
  {
    description: 'The path of the request.',
    default: { type: 'PathPrefix', value: '/' },
    'x-kubernetes-validations': PATH_RULES,
  },
);

const HeaderMatch = Type.Object(
  {
    type: Type.Optional(choice(['Exact', 'RegularExpression'], 'How the value is compared.', 'Exact')),
    name: Type.String({
      description: 'The name of the header, in any case.',
      minLength: 1,
      maxLength: 256,
      pattern: HEADER_NAME,
    }),
    value: Type.String({ description: 'What the value is compared with.', minLength: 1, maxLength: 4096 }),
  },
  { description: 'One header of the request.' },
);

const QueryParameterMatch = Type.Object(
  {
    type: Type.Optional(choice(['Exact', 'RegularExpression'], 'How the value is compared.', 'Exact')),
    name: Type.String({
      description: 'The name of the parameter.',
      minLength: 1,
      maxLength: 256,
      pattern: HEADER_NAME,
    }),
    value: Type.String({ description: 'What the value is compared with.', minLength: 1, maxLength: 1024 }),
  },
  { description: 'One query parameter of the request.' },
);

const RouteMatch = Type.Object(
  {
    path: Type.Optional(PathMatch),
    headers: Type.Optional(
      Type.Array(HeaderMatch, {
        description: 'Headers that must all match.',
        maxItems: 16,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      }),
    ),
    method: Type.Optional(choice(METHODS, 'The method of the request.')),
    queryParams: Type.Optional(
      notEnforced(
        Type.Array(QueryParameterMatch, {
          description: 'Query parameters that must all match.',
          maxItems: 16,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        }),
      ),
    ),
  },
  { description: 'Conditions that must all hold.' },
);

const Timeouts = Type.Object(
  {
    request: Type.Optional(timeoutField('How long a request may take; 0s for no limit.')),
    backendRequest: Type.Optional(timeoutField('How long one try at a backend may take; 0s for no limit.')),
  },
  {
    description: 'How long requests may take.',
    'x-kubernetes-validations': [
      {
        rule: "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
        message: 'backendRequest timeout cannot be longer than request timeout',
      },
    ],
  },
);

const Rule = Type.Object(
  {
    name: Type.Optional(sectionNameField('The name of the rule, unique in the route.')),
    matches: Type.Optional(
      Type.Array(RouteMatch, {
        description: 'The rule applies when one of them holds.',
        maxItems: 64,
        'x-kubernetes-list-type': 'atomic',
        default: [{ path: { type: 'PathPrefix', value: '/' } }],
      }),
    ),
    backendRefs: Type.Optional(
      Type.Array(HttpBackendReference, {
        description: 'Where matching requests go.',
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    filters: Type.Optional(notEnforced(opaqueList('What happens on the way.'))),
    ...notEnforcedSections({
      retry: 'When a request is tried again.',
      sessionPersistence: 'What keeps clients at a backend.',
    }),
    timeouts: Type.Optional(notEnforced(Timeouts)),
  },
  { description: 'What to do with the requests that match.' },
);

export const HttpRouteSpec = Type.Object(
  {
    parentRefs: Type.Optional(ParentReferences),
    hostnames: Type.Optional(
      Type.Array(hostnameField('A host name, or a wildcard such as *.example.com.'), {
        description: 'The host names that the route serves; every one when left out.',
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    rules: Type.Optional(
      Type.Array(Rule, {
        description: 'Matches, and where they go.',
        minItems: 1,
        maxItems: MAX_RULES,
        default: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
        'x-kubernetes-list-type': 'atomic',
        'x-kubernetes-validations': [
          {
            rule: `${countMatches()} <= ${MAX_MATCHES}`,
            message: `While ${MAX_RULES} rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than ${MAX_MATCHES}`,
          },
          UNIQUE_RULE_NAMES,
        ],
      }),
    ),
    useDefaultGateways: UseDefaultGateways,
  },
  { description: 'Which requests go where.' },
);
export type HttpRouteSpec = Static<typeof HttpRouteSpec>;

/** HTTPRoutes send requests of a gateway to backends. */
export const HTTP_ROUTE: ResourceKind = defineKind({
  group: GATEWAY_GROUP,
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  singular: 'httproute',
  shortNames: [],
  categories: ['gateway-api'],
  description: 'HTTPRoute sends the HTTP requests that reach a gateway to backends.',
  spec: HttpRouteSpec,
  status: RouteStatus,
  columns: [
    { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames', description: 'The host names of the route.' },
  ],
  checkSpec: checkRegularExpressions,
});

/** A pattern that does not compile would be refused by every worker; here the person who wrote it still sees it. */
function checkRegularExpressions(spec: JsonObject): readonly FieldError[] {
  // The spec fits HttpRouteSpec, which is what its type says.
  const { rules = [] } = spec as unknown as HttpRouteSpec;
  return rules.flatMap(({ matches = [] }, rule) =>
    matches.flatMap(({ path, headers = [] }, match) => {
      const at = `spec.rules[${rule}].matches[${match}]`;
      return [
        ...(path === undefined ? [] : patternFaults(path, `${at}.path.value`)),
        ...headers.flatMap((header, index) => patternFaults(header, `${at}.headers[${index}].value`)),
      ];
    }),
  );
}

function patternFaults(
  match: { readonly type?: string; readonly value?: string },
  field: string,
): readonly FieldError[] {
  if (match.type !== 'RegularExpression' || match.value === undefined) return [];
  try {
    // As workers and Envoy match: without lookahead and backreferences, in time that grows with the length alone.
    RE2JS.compile(match.value);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [invalidValue(field, match.value, `must be a regular expression of RE2: ${reason}`)];
  }
}

function pathRule(rule: string, message: string): ValidationRule {
  return { rule: `self.type in ['Exact', 'PathPrefix'] ? ${rule} : true`, message };
}

function timeoutField(description: string) {
  return Type.String({ description, maxLength: 32, pattern: DURATION_PATTERN });
}

/** CEL has no sum, so Gateway API's rule adds up the matches of every rule that there may be. */
function countMatches(): string {
  return Array.from(
    { length: MAX_RULES },
    (_, index) => `(self.size() > ${index} ? self[${index}].matches.size() : 0)`,
  ).join(' + ');
}
