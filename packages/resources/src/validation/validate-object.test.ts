import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENTGATEWAY_BACKEND } from '../kinds/agentgateway-backend.ts';
import { NAMESPACE } from '../kinds/namespace.ts';
import type { Json, JsonObject } from '../object.ts';
import { findKind, RESOURCE_KINDS } from '../registry.ts';
import { validateObject } from './validate-object.ts';

const spec = { static: { host: 'a', port: 1 } };
const backend = (metadata: Json, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'agentgateway.dev/v1alpha1',
  kind: 'AgentgatewayBackend',
  metadata,
  spec,
  ...more,
});
const faults = (object: JsonObject, kind = AGENTGATEWAY_BACKEND): readonly string[] => {
  const { errors, unknown } = validateObject(kind, object);
  return [...errors.map(({ field, message }) => `${field}: ${message}`), ...unknown.map((path) => `unknown ${path}`)];
};
const at = { name: 'x', namespace: 'default' };

const CASES: readonly (readonly [name: string, metadata: Json, faults: readonly RegExp[]])[] = [
  ['a name and a namespace', at, []],
  [
    'what the server sets',
    {
      ...at,
      uid: 'u',
      resourceVersion: '1',
      generation: 3,
      creationTimestamp: null,
      managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }],
      selfLink: '',
    },
    [],
  ],
  [
    'no name',
    { namespace: 'default' },
    [/^<nil>/, /^metadata\.name: Required value: name or generateName is required$/],
  ],
  ['a bad name', { ...at, name: 'A_b' }, [/^metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/]],
  [
    'a name of a wrong type',
    { ...at, name: 5 },
    [/^metadata\.name: Invalid value: "integer"/, /^<nil>/, /^metadata\.name: Required value/],
  ],
  ['no namespace', { name: 'x' }, [/^<nil>/, /^metadata\.namespace: Required value$/]],
  [
    'a bad namespace',
    { ...at, namespace: 'a.b' },
    [/^metadata\.namespace: Invalid value: "a\.b": must not contain dots$/],
  ],
  ['a bad label key', { ...at, labels: { 'a b': 'x' } }, [/^metadata\.labels: Invalid value: "a b": name part/]],
  ['a bad label value', { ...at, labels: { a: 'x y' } }, [/^metadata\.labels: Invalid value: "x y": a valid label/]],
  [
    'a label that is a number',
    { ...at, labels: { a: 1 } },
    [/^metadata\.labels\.a: Invalid value: "integer"/, /^<nil>/],
  ],
  [
    'a bad annotation key',
    { ...at, annotations: { '-a': 'anything at all' } },
    [/^metadata\.annotations: Invalid value: "-a"/],
  ],
  ['annotations with capitals', { ...at, annotations: { 'A.example.com/B': '' } }, []],
  [
    'annotations too large',
    { ...at, annotations: { a: 'é'.repeat(131_072) } },
    [/^<nil>/, /^metadata\.annotations: Too long: may not be more than 262144 bytes$/],
  ],
  ['finalizers', { ...at, finalizers: ['example.com/hold', 'x', 'foregroundDeletion'] }, []],
  ['no finalizer', { ...at, finalizers: [] }, []],
  [
    'no name in a finalizer',
    { ...at, finalizers: ['/a'] },
    [/^metadata\.finalizers: Invalid value: "\/a": prefix part must be non-empty$/],
  ],
  [
    'two bad finalizers',
    { ...at, finalizers: ['_', 'a/b/c'] },
    [/^metadata\.finalizers: Invalid value: "_": name part/, /^metadata\.finalizers: Invalid value: "a\/b\/c"/],
  ],
  [
    'both finalizers for dependents',
    { ...at, finalizers: ['orphan', 'foregroundDeletion'] },
    [
      /^metadata\.finalizers: Invalid value: \[\]string\{"orphan", "foregroundDeletion"\}: finalizer orphan and foregroundDeletion cannot be both set$/,
    ],
  ],
  [
    'too many finalizers',
    { ...at, finalizers: Array.from({ length: 101 }, (_, index) => `a/${index}`) },
    [/^<nil>/, /^metadata\.finalizers: Too many: 101: must have at most 100 items$/],
  ],
  [
    'a finalizer that is no text',
    { ...at, finalizers: [1] },
    [/^metadata\.finalizers\[0\]: Invalid value: "integer"/, /^<nil>/],
  ],
  ['an owner', { ...at, ownerReferences: [{}] }, [/^metadata\.ownerReferences: Forbidden/]],
  ['an unknown field', { ...at, label: {} }, [/^unknown metadata\.label$/]],
];

for (const [name, metadata, expected] of CASES) {
  test(`metadata with ${name}`, () => {
    const found = faults(backend(metadata));
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern);
  });
}

test('a cluster-scoped object has no namespace, and its name is a DNS label', () => {
  const namespace = (metadata: Json): JsonObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata });
  assert.deepEqual(faults(namespace({ name: 'a' }), NAMESPACE), []);
  assert.match(faults(namespace({ name: 'a.b' }), NAMESPACE)[0] ?? '', /^metadata\.name: Invalid value: "a\.b"/);
  assert.match(faults(namespace({ name: 'a', namespace: 'b' }), NAMESPACE)[0] ?? '', /^metadata\.namespace: Forbidden/);
});

test('the result holds what the user decides, without the status and what the server sets', () => {
  const metadata = {
    ...at,
    generation: 7,
    creationTimestamp: '2020-01-01T00:00:00Z',
    labels: { a: 'b' },
    annotations: {},
  };
  const { object } = validateObject(AGENTGATEWAY_BACKEND, backend(metadata, { status: { conditions: 5 }, other: 1 }));
  assert.deepEqual(object, {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { ...at, labels: { a: 'b' } },
    spec,
  });
});

test('faults of spec and metadata come together', () => {
  const object = backend({ name: 'A', namespace: 'default' }, { spec: { static: { host: '', port: 0 } }, extra: 1 });
  const found = faults(object);
  assert.deepEqual(
    found.map((fault) => fault.split(':')[0]),
    ['spec.static.host', 'spec.static.port', 'metadata.name', 'unknown extra'],
  );
});

test('an object without spec, or with one that is no object, is refused', () => {
  assert.match(faults(backend(at, { spec: null }))[0] ?? '', /^spec: Required value/);
  assert.match(faults(backend(at, { spec: [] }))[0] ?? '', /^spec: Invalid value: "array"/);
  assert.match(faults(backend([]))[0] ?? '', /^metadata: Invalid value: "array"/);
});

test('no two kinds share a name in the registry', () => {
  const names = RESOURCE_KINDS.flatMap(({ group, plural, shortNames }) => [`${group}/${plural}`, ...shortNames]);
  assert.equal(new Set(names).size, names.length);
});

test('new finalizers without a domain are warned of, and no others', () => {
  const warnings = (finalizers: readonly string[], before: readonly string[] = []): readonly string[] => {
    const object = backend({ ...at, finalizers });
    return validateObject(
      AGENTGATEWAY_BACKEND,
      object,
      validateObject(AGENTGATEWAY_BACKEND, backend({ ...at, finalizers: before })).object,
    ).warnings;
  };
  const rule = 'prefer a domain-qualified finalizer name';
  const why = 'to avoid accidental conflicts with other finalizer writers';
  assert.deepEqual(warnings(['b.c', 'a', 'x.y/z', 'orphan', 'kubernetes']), [
    `metadata.finalizers: "a": ${rule} ${why}`,
    `metadata.finalizers: "b.c": ${rule} including a path (/) ${why}`,
  ]);
  assert.deepEqual(warnings(['a'], ['a']), []);
});

test('a rule about a change holds where there was a value before', () => {
  const gatewayClass = (controllerName: string, description?: string): JsonObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'a' },
    spec: { controllerName, ...(description !== undefined && { description }) },
  });
  const kind = findKind('gateway.networking.k8s.io/v1', 'GatewayClass');
  assert(kind !== undefined);
  const { object: before } = validateObject(kind, gatewayClass('example.com/a'));
  const changed = (input: JsonObject) =>
    validateObject(kind, input, before).errors.map(({ field, message }) => `${field}: ${message}`);
  assert.deepEqual(changed(gatewayClass('example.com/a', 'another text')), []);
  assert.deepEqual(changed(gatewayClass('example.com/b')), [
    'spec.controllerName: Invalid value: "string": Value is immutable',
  ]);
  assert.deepEqual(validateObject(kind, gatewayClass('example.com/b')).errors, []);
});
