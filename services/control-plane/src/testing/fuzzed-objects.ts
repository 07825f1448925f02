import {
  apiVersionOf,
  type Json,
  type JsonObject,
  type JsonSchema,
  RESOURCE_KINDS,
  type ResourceKind,
} from '@pulseplane/resources';
import fc from 'fast-check';

/** Few names, so that requests meet. */
export const NAMES = ['a', 'b', 'g'] as const;
export const NAMESPACES = ['default', 'fuzz'] as const;

/** What text fields take; those that fit a field's pattern are tried in it, and sometimes those that do not. */
const WORDS = [
  ...['a', 'b', 'g', 'http', 'tcp', 'fuzz', 'default', 'agentgateway', 'example.com', '*.example.com', '127.0.0.1'],
  ...['30s', '5s', '1500ms', '10h', '9h6m7s', '0s', '1m30s', '16Ki', '80', '4Gi', '100m', '1e3', ''],
  ...['agentgateway.dev', 'gateway.networking.k8s.io', 'agentgateway.dev/agentgateway'],
  ...['Gateway', 'HTTPRoute', 'AgentgatewayBackend', 'Service', 'HTTP', 'TCP', 'TLS', '/', '/a/b', 'GET', 'Same'],
];

/** What programs stumble over. */
const TRAPS: readonly Json[] = [
  ...[null, '', 0, -1, 0.5, -0, 1e308, 2 ** 53, 2 ** 31, true, false, [], {}, [[]], [{}], [null]],
  ...['__proto__', 'constructor', 'hasOwnProperty', 'toString', '\u0000', '\ufeff', '\u{1f600}', ' ', '\n', '%00'],
  ...['99999999999h', '9223372036854775808', '1e999', '-1', 'x'.repeat(300), 'é'.repeat(64), '../..'],
  ...[{ constructor: { prototype: { polluted: true } } }, { toString: 1 }, { length: -1 }, { '': '' }, { 'a.b/c': 1 }],
  JSON.parse('{"__proto__": {"polluted": true}}'),
  JSON.parse('['.repeat(40) + ']'.repeat(40)),
];

const trap = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.constantFrom<Json>(...WORDS),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }) as fc.Arbitrary<Json>,
);

/** One thing done to a value: the n-th of its parts becomes another. */
const mutation = fc.record({
  place: fc.nat(1_000),
  how: fc.constantFrom('replace', 'remove', 'wrap', 'add', 'repeat'),
  name: fc.constantFrom('x', 'name', 'spec', 'port', 'a b', 'constructor', '__proto__', ''),
  value: trap,
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

/** A value with some of its parts changed, at any depth. */
export function mutated(value: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc
    .tuple(value, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([start, mutations]) => mutations.reduce(mutate, start));
}

/** An object of a kind: good, nearly good, or bad. */
export function fuzzedObject(kind: ResourceKind): fc.Arbitrary<Json> {
  const good = goodObject(kind);
  return fc.oneof(
    { weight: 8, arbitrary: good },
    { weight: 4, arbitrary: mutated(good) },
    { weight: 4, arbitrary: headed(kind, ofSchema(kind.schema, 0)) },
    { weight: 1, arbitrary: trap },
  );
}

/** What is made for a kind, for any kind; those that the others are about come more often. */
export function ofAnyKind<Value>(make: (kind: ResourceKind) => fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  const often = ['AgentgatewayPolicy', 'Gateway', 'HTTPRoute', 'Secret'];
  return fc.oneof(
    ...RESOURCE_KINDS.map((kind) => ({ weight: often.includes(kind.kind) ? 3 : 1, arbitrary: make(kind) })),
  );
}

const labels = fc.constantFrom<JsonObject>({}, { tier: 'edge' }, { tier: 'core', 'example.com/zone': 'x' });
const duration = fc.constantFrom('1s', '5s', '30s', '2m', '9h6m7s');
const parent = fc.record({ name: fc.constantFrom(...NAMES), namespace: fc.constantFrom(...NAMESPACES) });
const backendRefs = fc
  .constantFrom(...NAMES)
  .map((name) => [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }]);
const port = fc.constantFrom(80, 81, 3000);
const keepalive = fc.record(
  { retries: fc.integer({ min: 1, max: 64 }), time: duration, interval: duration },
  { requiredKeys: ['retries'] },
);
const http = fc.record(
  {
    http2KeepaliveInterval: duration,
    http1MaxHeaders: fc.integer({ min: 1, max: 4096 }),
    maxBufferSize: fc.constantFrom<Json>(1, '16Ki', '4Gi'),
  },
  { requiredKeys: ['http2KeepaliveInterval'] },
);
const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };
const targets = fc.oneof(
  fc.constantFrom(...NAMES).map((name): JsonObject => ({ targetRefs: [{ ...gateway, name }] })),
  labels
    .filter((matchLabels) => Object.keys(matchLabels).length > 0)
    .map((matchLabels): JsonObject => ({ targetSelectors: [{ ...gateway, matchLabels: matchLabels as JsonObject }] })),
);

/** A certificate and a key, of which no part may be where nobody asked for it. */
const PRIVATE = 'UHJpdmF0ZSBwcml2YXRlIHByaXZhdGUgcHJpdmF0ZSBwcml2YXRl';
const PEM: { readonly [name: string]: string } = {
  'tls.crt': `-----BEGIN CERTIFICATE-----\n${PRIVATE}\n-----END CERTIFICATE-----\n`,
  'tls.key': `-----BEGIN PRIVATE KEY-----\n${PRIVATE}\n-----END PRIVATE KEY-----\n`,
};

/** Ten characters of a Secret's values, as they are or in base64. */
export const PRIVATE_PARTS: RegExp = new RegExp(
  [PRIVATE, ...Object.values(PEM).map(btoa)]
    .flatMap((text) => Array.from({ length: text.length - 10 }, (_, at) => text.slice(at, at + 10)))
    .map((part) => part.replaceAll('+', '\\+'))
    .join('|'),
);

function mapped(encode: (text: string) => string): JsonObject {
  return Object.fromEntries(Object.entries(PEM).map(([name, text]) => [name, encode(text)]));
}

/** What the schemas take, by kind: a spec, or what the kind has in the place of one. */
const GOOD_CONTENTS: { readonly [kind: string]: fc.Arbitrary<JsonObject> } = {
  AgentgatewayPolicy: fc
    .record({ targets, frontend: fc.record({ tcp: fc.record({ keepalive }), http }) })
    .map(({ targets: part, frontend }) => ({ ...part, frontend })),
  AgentgatewayBackend: port.map((number) => ({ static: { host: 'localhost', port: number } })),
  GatewayClass: fc.constant({ controllerName: 'agentgateway.dev/agentgateway' }),
  Gateway: fc.uniqueArray(port, { minLength: 1, maxLength: 3 }).map((ports) => ({
    gatewayClassName: 'agentgateway',
    listeners: ports.map((number) => ({ name: `l${number}`, port: number, protocol: number === 81 ? 'TCP' : 'HTTP' })),
  })),
  HTTPRoute: fc
    .record({ parent, refs: backendRefs, value: fc.constantFrom('/', '/a') })
    .map(({ parent: parentRef, refs, value }) => ({
      parentRefs: [parentRef],
      rules: [{ backendRefs: refs, matches: [{ path: { type: 'PathPrefix', value } }] }],
    })),
  TCPRoute: fc
    .record({ parent, refs: backendRefs })
    .map(({ parent: parentRef, refs }) => ({ parentRefs: [parentRef], rules: [{ backendRefs: refs }] })),
  Secret: fc
    .record({ type: fc.constant('kubernetes.io/tls'), field: fc.constantFrom('data', 'stringData') })
    .map(({ type, field }) => ({ type, [field]: field === 'data' ? mapped(btoa) : mapped((text) => text) })),
  TLSRoute: fc.record({ parent, refs: backendRefs }).map(({ parent: parentRef, refs }) => ({
    hostnames: ['*.example.com'],
    parentRefs: [parentRef],
    rules: [{ backendRefs: refs }],
  })),
};

function goodObject(kind: ResourceKind): fc.Arbitrary<Json> {
  const content = GOOD_CONTENTS[kind.kind] ?? fc.constant({});
  return headed(kind, kind.readContent === undefined ? content.map((spec) => ({ spec })) : content);
}

/** With apiVersion, kind and metadata of its own. What begins with `$` is filled in when it is sent. */
function headed(kind: ResourceKind, body: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  const metadata = fc
    .record(
      {
        name: fc.constantFrom('$NAME', '$NAME', '$NAME', ...(kind.kind === 'Namespace' ? NAMESPACES : NAMES)),
        labels,
        annotations: fc.constantFrom<JsonObject>({}, { note: 'é' }, { 'pulseplane.dev/environment': 'aws-nlb' }),
        finalizers: fc.constantFrom<Json>([], ['example.com/a'], ['example.com/a', 'example.com/b']),
        resourceVersion: fc.constantFrom('$VERSION', '$VERSION', '$VERSION', '1', 'x'),
      },
      { requiredKeys: ['name'] },
    )
    .map((fields): JsonObject => ({ ...fields }));
  return fc.tuple(body, metadata).map(([value, fields]) => ({
    ...(typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: fields,
  }));
}

const MAX_DEPTH = 8;

/** A value that mostly fits a schema: the structure always, patterns and limits most of the time, rules by chance. */
function ofSchema(schema: JsonSchema, depth: number): fc.Arbitrary<Json> {
  if (schema['x-kubernetes-int-or-string'] === true) return fc.oneof(fc.nat(), fc.constantFrom('16Ki', '80', '1e3'));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return fc.constantFrom(...wordsFor(schema));
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -5, max: schema.maximum ?? 70_000 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(ofSchema(schema.items ?? {}, depth + 1), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 2, 2),
      });
    case 'object':
      return depth > MAX_DEPTH ? fc.constant({}) : objectOf(schema, depth);
    default:
      return trap;
  }
}

function objectOf(schema: JsonSchema, depth: number): fc.Arbitrary<Json> {
  if (schema.additionalProperties !== undefined) {
    const value = ofSchema(schema.additionalProperties, depth + 1);
    return fc.dictionary(fc.constantFrom('a', 'tier', 'x/y'), value, { maxKeys: 2, noNullPrototype: true });
  }
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties ?? {})
    // Most of what is not enforced is refused whole, and would hide what else is wrong.
    .filter(([name, field]) => required.includes(name) || field['x-pulseplane-not-enforced'] !== true)
    .map(([name, field]): [string, fc.Arbitrary<Json | undefined>] => {
      const value = ofSchema(field, depth + 1);
      return [name, required.includes(name) ? value : fc.option(value, { nil: undefined, freq: 2 })];
    });
  return fc.record(Object.fromEntries(fields)).map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);
}

function wordsFor({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: JsonSchema): readonly string[] {
  const expression = pattern === undefined ? undefined : new RegExp(pattern);
  const fitting = WORDS.filter(
    (word) => word.length >= minLength && word.length <= maxLength && expression?.test(word) !== false,
  );
  return fitting.length > 0 ? [...fitting, ...fitting, ...fitting, 'a b'] : WORDS;
}

/** The value with one part changed; lists and objects on the way are copied. */
function mutate(value: Json, mutation: Mutation): Json {
  const places = placesOf(value, []);
  const path = places[mutation.place % places.length] ?? [];
  return changeAt(value, path, mutation);
}

type Path = readonly (string | number)[];

function placesOf(value: Json, path: Path): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...steps.flatMap((step) => placesOf(partOf(value, step) ?? null, [...path, step]))];
}

function partOf(value: Json, step: string | number): Json | undefined {
  return (value as { readonly [step: string]: Json | undefined })[step];
}

function changeAt(value: Json, [step, ...rest]: Path, mutation: Mutation): Json {
  if (step === undefined) return changed(value, mutation);
  const part = partOf(value, step) ?? null;
  const isLast = rest.length === 0;
  const isGone = isLast && mutation.how === 'remove';
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    return items.flatMap((item, index) => {
      if (index !== step) return [item];
      if (isGone) return [];
      const after = changeAt(part, rest, mutation);
      return isLast && mutation.how === 'repeat' ? [after, after] : [after];
    });
  }
  const entries = Object.entries(value as JsonObject).flatMap(([name, item]): [string, Json][] => {
    if (name !== step) return [[name, item ?? null]];
    return isGone ? [] : [[name, changeAt(part, rest, mutation)]];
  });
  return Object.fromEntries(entries);
}

function changed(value: Json, { how, name, value: other }: Mutation): Json {
  switch (how) {
    case 'replace':
      return other;
    case 'wrap':
      return [value];
    case 'add':
      if (typeof value !== 'object' || value === null) return other;
      // A pair list, because assigning `__proto__` would set the prototype.
      return Array.isArray(value) ? [...value, other] : Object.fromEntries([...Object.entries(value), [name, other]]);
    case 'remove':
    case 'repeat':
      return value;
  }
}
