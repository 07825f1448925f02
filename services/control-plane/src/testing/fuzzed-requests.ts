import type { Json, ResourceKind } from '@pulseplane/resources';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { fuzzedObject, mutated, NAMES, NAMESPACES, ofAnyKind } from './fuzzed-objects.ts';

/**
 * A request as it is sent. In target and body `$NAME` stands for the name in the path, `$VERSION` for the version that
 * the object of the path has at that time (nothing, where there is none), and `$SEQ` for the newest sequence number.
 */
export type FuzzedRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
};

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';

const namespaceName = often(
  fc.constantFrom(...NAMESPACES),
  fc.constantFrom('gone', 'constructor', '%00', 'a%2Fb', 'A'),
);
const objectName = often(
  fc.constantFrom(...NAMES),
  fc.constantFrom('c', '__proto__', '%F0%9F%98%80', 'x'.repeat(254), 'A b'.replace(' ', '%20')),
);

const number = fc.constantFrom('', '0', '1', '2', '$SEQ', '$VERSION', '999999', '-1', 'x', '1e3', '9007199254740993');
const moment = fc.oneof(number, fc.constantFrom('2026-01-01T00:00:00Z', '2026-13-01', '9999-12-31T23:59:59Z'));
const yesOrNo = fc.constantFrom('true', 'false', '1', '', 'x');
const selector = fc.constantFrom('', 'tier=edge', 'tier!=edge', 'tier in (edge,core)', '!tier', 'a=(', ',', 'é=é');

const PARAMETERS: { readonly [name: string]: fc.Arbitrary<string> } = {
  dryRun: fc.constantFrom('All', 'All', '', 'x'),
  fieldManager: fc.constantFrom('ci', 'me', '', 'x'.repeat(129), 'é', '\u0001', 'a/b'),
  fieldValidation: fc.constantFrom('Strict', 'Warn', 'Ignore', '', 'x'),
  force: yesOrNo,
  resourceVersion: number,
  resourceVersionMatch: fc.constantFrom('Exact', 'NotOlderThan', 'x'),
  labelSelector: selector,
  fieldSelector: fc.constantFrom('', 'metadata.name=a', 'metadata.namespace!=fuzz', 'spec.x=1', '='),
  limit: number,
  continue: fc.constantFrom('', 'x', 'WzEsImEiLCJhIl0', 'WzEsMSwxXQ', 'e30'),
  at: moment,
  from: moment,
  to: moment,
  before: number,
  port: number,
  explain: yesOrNo,
  pretty: yesOrNo,
  namespace: namespaceName,
  severity: fc.constantFrom('warning', 'x'),
  rule: fc.constantFrom('x', ''),
  propagationPolicy: fc.constantFrom('Foreground', 'x'),
  includeObject: fc.constantFrom('Object', 'None', 'x'),
  watch: fc.constantFrom('true', '1', 'x'),
  timeoutSeconds: number,
  sendInitialEvents: yesOrNo,
  allowWatchBookmarks: yesOrNo,
  constructor: fc.constant('x'),
  __proto__x: fc.constant('x'),
};

/** Mostly a few parameters, each mostly once. */
const query = fc
  .array(
    fc
      .constantFrom(...Object.keys(PARAMETERS))
      .chain((name) => (PARAMETERS[name] ?? fc.constant('')).map((value): string => `${name}=${encode(value)}`)),
    { maxLength: 3 },
  )
  .map((parts) => parts.join('&'));

const extraHeaders = fc
  .array(
    fc.constantFrom<readonly [string, string]>(
      ['accept', 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'],
      ['accept', 'application/vnd.kubernetes.protobuf'],
      ['accept', ';;,='],
      ['accept', ''],
      ['user-agent', 'kubectl/v1.33.0 (linux/amd64)'],
      ['user-agent', ''],
      ['user-agent', `${'é'.repeat(200)}`],
      ['idempotency-key', 'k1'],
      ['idempotency-key', 'k2'],
      ['idempotency-key', 'a b'],
      ['idempotency-key', 'x'.repeat(300)],
      ['if-none-match', '*'],
      ['origin', 'http://evil.example'],
      ['host', 'evil.example'],
      ['content-encoding', 'gzip'],
      ['last-event-id', 'x'],
      ['connection', 'upgrade'],
      ['upgrade', 'SPDY/3.1'],
    ),
    { maxLength: 2 },
  )
  .map((pairs) => Object.fromEntries(pairs));

type Typed = { readonly type: string; readonly body: Uint8Array };

/** Text of a value: JSON or YAML, as it should be or a little broken. */
function written(value: fc.Arbitrary<Json>, type: string): fc.Arbitrary<Typed> {
  const json = value.map((one) => JSON.stringify(one));
  const yaml = value.map((one) => dump(one));
  const usesYaml = type.includes('yaml');
  const text = usesYaml ? fc.oneof(json, yaml) : json;
  const broken = fc.oneof(
    fc.tuple(text, fc.nat(200)).map(([whole, at]) => whole.slice(0, at)),
    fc
      .tuple(text, fc.nat(200), fc.constantFrom('}', '"', ',', '\u0000', ': ', '&a *a', '{"a":1,', '!!x '))
      .map(([whole, at, more]) => whole.slice(0, at) + more + whole.slice(at)),
    fc.constantFrom('', 'null', '[]', '""', '1', '{}', '---\n---\n', '\ufeff{}', '{"a":1}{"b":2}'),
  );
  return often(text, broken, 16).map((body) => ({ type, body: Buffer.from(body) }));
}

const bytes: fc.Arbitrary<Typed> = fc
  .tuple(fc.uint8Array({ maxLength: 64 }), fc.constantFrom('application/json', 'application/yaml', APPLY))
  .map(([body, type]) => ({ type, body }));

const protobuf: fc.Arbitrary<Typed> = fc
  .uint8Array({ maxLength: 64 })
  .map((body) => ({ type: 'application/vnd.kubernetes.protobuf', body: Buffer.from([0x6b, 0x38, 0x73, 0, ...body]) }));

function objectIn(kind: ResourceKind): fc.Arbitrary<Typed> {
  const value = fuzzedObject(kind);
  return fc.oneof(
    { weight: 16, arbitrary: written(value, 'application/json') },
    { weight: 8, arbitrary: written(value, 'application/yaml') },
    { weight: 1, arbitrary: written(value, 'text/plain') },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: protobuf },
  );
}

const pointer = fc.constantFrom(
  ...['', '/', '/spec', '/metadata/labels', '/metadata/labels/tier', '/metadata/name', '/metadata/resourceVersion'],
  ...['/metadata/annotations', '/metadata/finalizers', '/metadata/managedFields', '/metadata/uid', '/status', '/kind'],
  ...['/spec/listeners/0', '/spec/listeners/-', '/spec/targetRefs/0/name', '/spec/frontend/tcp/keepalive/time'],
  ...['/spec/rules/0/backendRefs', '/__proto__/x', '/constructor/prototype/x', '/~2', 'x', '/spec/listeners/99'],
);
const operations = (values: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.array(
    fc.record({
      op: fc.constantFrom('add', 'replace', 'remove', 'move', 'copy', 'test'),
      path: pointer,
      from: pointer,
      value: values,
    }),
    { maxLength: 3 },
  );

function patchOf(kind: ResourceKind): fc.Arbitrary<Typed> {
  const whole = fuzzedObject(kind);
  // A part of an object is what merge patches are made of.
  const part = fc
    .tuple(whole, fc.subarray(['spec', 'metadata', 'kind', 'apiVersion', 'status', 'type', 'data', 'stringData']))
    .map(([value, fields]) =>
      Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => fields.includes(name))),
    );
  const steps = operations(part.map((value) => (value as { readonly spec?: Json }).spec ?? null));
  return fc.oneof(
    { weight: 8, arbitrary: written(part, MERGE) },
    { weight: 8, arbitrary: written(fc.oneof(steps, mutated(steps)), JSON_PATCH) },
    { weight: 12, arbitrary: written(whole, APPLY) },
    { weight: kind.kind === 'Namespace' ? 6 : 1, arbitrary: written(part, STRATEGIC) },
    { weight: 1, arbitrary: bytes },
  );
}

const options = fc.constantFrom<Json>(
  { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
  { preconditions: { resourceVersion: '$VERSION' } },
  { dryRun: ['All'] },
);
const deleteOptions = written(often(options, mutated(options), 2), 'application/json');
const rollbackBody = written(
  often(fc.constantFrom<Json>({ to: '$SEQ' }, { to: 3, resourceVersion: '$VERSION' }), mutated(fc.constant({ to: 1 }))),
  'application/json',
);

type Half = { readonly method: string; readonly path: string; readonly typed: Typed | undefined };

function onKind(kind: ResourceKind): fc.Arbitrary<Half> {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = kind.namespaced
    ? namespaceName.map((namespace) => `${base}/namespaces/${namespace}/${kind.plural}`)
    : fc.constant(`${base}/${kind.plural}`);
  const name = kind.kind === 'Namespace' ? namespaceName : objectName;
  const item = fc.tuple(collection, name).map(([path, last]) => `${path}/${last}`);
  const half = (
    method: string,
    path: fc.Arbitrary<string>,
    typed: fc.Arbitrary<Typed | undefined> = fc.constant(undefined),
  ): fc.Arbitrary<Half> => fc.record({ method: fc.constant(method), path, typed });
  const below = (word: string): fc.Arbitrary<string> => item.map((path) => `${path}/${word}`);
  const maybe = (typed: fc.Arbitrary<Typed>): fc.Arbitrary<Typed | undefined> => fc.option(typed, { nil: undefined });
  return fc.oneof(
    { weight: 10, arbitrary: half('POST', collection, objectIn(kind)) },
    { weight: 8, arbitrary: half('PUT', item, objectIn(kind)) },
    { weight: 14, arbitrary: half('PATCH', item, patchOf(kind)) },
    { weight: 4, arbitrary: half('DELETE', item, maybe(deleteOptions)) },
    { weight: 1, arbitrary: half('DELETE', collection, maybe(deleteOptions)) },
    { weight: 3, arbitrary: half('POST', below('rollback'), maybe(rollbackBody)) },
    { weight: 2, arbitrary: half('POST', below('undelete'), often(fc.constant(undefined), rollbackBody)) },
    { weight: 3, arbitrary: half('GET', fc.oneof(item, collection, fc.constant(`${base}/${kind.plural}`))) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('history', 'diff', 'effective', 'status').chain((w) => half('GET', below(w))),
    },
    { weight: 1, arbitrary: half('PUT', fc.oneof(below('status'), below('x')), objectIn(kind)) },
  );
}

const elsewhere: fc.Arbitrary<Half> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
  path: fc.constantFrom(
    ...['/', '/v1/lint', '/v1/preview', '/api', '/apis', '/openapi/v3', '/version', '/%zz', '/a/../b', '//', '/%00'],
    ...['/api/v1/namespaces/fuzz/secrets', '/api/v1/namespaces/fuzz/secrets/a', '/api/v1/namespaces/fuzz/pods/a/log'],
    ...['/api/v1/namespaces/fuzz/pods', '/api/v1/pods/a', '/apis/apps/v1/namespaces/fuzz/deployments/a'],
    ...['/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', '/apis/authentication.k8s.io/v1/selfsubjectreviews'],
    '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
  ),
  typed: fc.option(ofAnyKind(objectIn), { nil: undefined }),
});

const preview: fc.Arbitrary<Half> = fc.array(ofAnyKind(fuzzedObject), { maxLength: 4 }).map((values) => ({
  method: 'POST',
  path: '/v1/preview',
  typed: { type: 'application/yaml', body: Buffer.from(values.map((value) => dump(value)).join('---\n')) },
}));

const access: fc.Arbitrary<Half> = mutated(
  fc.constant({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { group: 'agentgateway.dev', resource: 'agentgatewaypolicies', verb: 'create' } },
  }),
).map((value) => ({
  method: 'POST',
  path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  typed: { type: 'application/json', body: Buffer.from(JSON.stringify(value)) },
}));

/** Any request on any path; most are nearly good ones on the paths of writes. */
export const fuzzedRequest: fc.Arbitrary<FuzzedRequest> = fc
  .record({
    half: fc.oneof(
      { weight: 20, arbitrary: ofAnyKind(onKind) },
      { weight: 1, arbitrary: elsewhere },
      { weight: 1, arbitrary: preview },
      { weight: 1, arbitrary: access },
    ),
    query: often(fc.constant(''), query, 2),
    manager: often(fc.constant(true), fc.constant(false)),
    headers: often(fc.constant<Record<string, string>>({}), extraHeaders, 10),
  })
  .map(({ half: { method, path, typed }, query: given, manager, headers }) => {
    const parts = [given, ...(manager ? ['fieldManager=fuzz'] : [])].filter((part) => part !== '');
    return {
      method,
      target: parts.length === 0 ? path : `${path}?${parts.join('&')}`,
      headers: { ...(typed !== undefined && { 'content-type': typed.type }), ...headers },
      body: typed?.body,
    };
  });

function often<Value>(usual: fc.Arbitrary<Value>, rare: fc.Arbitrary<Value>, weight = 6): fc.Arbitrary<Value> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

/** As in a URL, but for the placeholders. */
function encode(value: string): string {
  return value.startsWith('$') ? value : encodeURIComponent(value);
}
