import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredObject } from '@pulseplane/resources';
import { formatAge } from './age.ts';
import { scanJson } from './json-scan.ts';
import { parseProtobufNamespace, parseProtobufSecret } from './protobuf.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const AGES: readonly (readonly [milliseconds: number, text: string])[] = [
  [-5 * SECOND, '<invalid>'],
  [-500, '0s'],
  [0, '0s'],
  [5 * SECOND, '5s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [3 * MINUTE + 12 * SECOND, '3m12s'],
  [10 * MINUTE + 5 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [7 * HOUR + 59 * MINUTE, '7h59m'],
  [8 * HOUR + 59 * MINUTE, '8h'],
  [47 * HOUR, '47h'],
  [2 * DAY, '2d'],
  [2 * DAY + 3 * HOUR, '2d3h'],
  [8 * DAY + 3 * HOUR, '8d'],
  [729 * DAY, '729d'],
  [730 * DAY, '2y'],
  [770 * DAY, '2y40d'],
  [9 * 365 * DAY, '9y'],
];

describe('ages', () => {
  for (const [milliseconds, text] of AGES) test(text, () => assert.equal(formatAge(milliseconds), text));
});

describe('label selectors', () => {
  const stored: StoredObject = {
    ref: { group: '', kind: 'Namespace', namespace: '', name: 'x' },
    version: 1,
    changedAt: '',
    object: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'x', labels: { app: 'a', size: '3', 'example.com/tier': 'web' } },
    },
  };
  const cases: readonly (readonly [selector: string, selected: boolean | 'error'])[] = [
    ['', true],
    ['app=a', true],
    ['app==a', true],
    ['app = a', true],
    ['app=b', false],
    ['app!=b', true],
    ['other!=b', true],
    ['app in (a, b)', true],
    ['app in (b)', false],
    ['app notin (b,c)', true],
    ['other notin (b)', true],
    ['other in (b)', false],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['toString', false],
    ['example.com/tier=web,app in (a,b)', true],
    ['app=a,app=b', false],
    ['app in a', 'error'],
    ['=a', 'error'],
    ['app=(a', 'error'],
    ['size>2', true],
    ['size<2', false],
    ['app>1', false],
    ['size>x', 'error'],
    ['app in ()', 'error'],
    ['other notin (,b)', true],
    ['app in (b,,a)', true],
    ['app=-a', 'error'],
    ['-app', 'error'],
    ['app,', 'error'],
    ['app!', 'error'],
  ];
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => {
      const selector = parseLabelSelector(text);
      assert.equal(selector.ok ? selector.value(stored) : 'error', expected);
    });
  }

  test('field selectors know the name and the namespace', () => {
    const name = parseFieldSelector('metadata.name=x,metadata.namespace=', {});
    assert.ok(name.ok && name.value(stored));
    assert.deepEqual(parseFieldSelector('status.phase=Active', {}), {
      ok: false,
      error: 'field label not supported: status.phase',
    });
    assert.equal(parseFieldSelector('nonsense', {}).ok, false);
    assert.equal(parseFieldSelector('constructor=x', { selectableFields: {} }).ok, false);
    const phase = parseFieldSelector('status.phase!=Active', { selectableFields: { 'status.phase': () => 'Active' } });
    assert.ok(phase.ok && !phase.value(stored));
  });
});

describe('scanning JSON', () => {
  const duplicates: readonly (readonly [text: string, found: readonly string[]])[] = [
    ['{"a":1,"b":{"a":1}}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"b":2}}', ['a.b']],
    ['[{"a":1},{"a":1}]', []],
    ['{"a":["a","a"],"b":"a"}', []],
    ['{"a\\"":1,"a\\"":2}', ['a"']],
    ['{"a":"{\\"a\\":1}"}', []],
  ];
  for (const [text, found] of duplicates) test(text, () => assert.deepEqual(scanJson(text).duplicates, found));
  test('depth counts objects and lists', () => assert.equal(scanJson('{"a":[{"b":[]}]}').depth, 4));
});

describe('protobuf', () => {
  const field = (number: number, bytes: readonly number[]) => [number * 8 + 2, bytes.length, ...bytes];
  const text = (value: string) => [...Buffer.from(value)];
  const type = [...field(1, text('v1')), ...field(2, text('Namespace'))];
  const label = [...field(1, text('a')), ...field(2, text('b'))];
  const metadata = [...field(1, text('demo')), ...field(11, label)];
  const body = [0x6b, 0x38, 0x73, 0x00, ...field(1, type), ...field(2, field(1, metadata))];

  test('the envelope is read', () => {
    const parsed = parseProtobufNamespace(Uint8Array.from(body));
    assert.ok(parsed.ok);
    const { apiVersion, kind, metadata: read } = parsed.value;
    assert.deepEqual({ apiVersion, kind }, { apiVersion: 'v1', kind: 'Namespace' });
    assert.deepEqual(read, {
      name: 'demo',
      generateName: '',
      namespace: '',
      uid: '',
      resourceVersion: '',
      labels: { a: 'b' },
      annotations: {},
      finalizers: [],
    });
  });

  test('a Secret has bytes for values', () => {
    const value = [...field(1, text('tls.key')), ...field(2, [0xff, 0x00])];
    const asText = [...field(1, text('tls.crt')), ...field(2, text('x'))];
    const secret = [...field(1, metadata), ...field(2, value), ...field(3, text('t')), ...field(4, asText), 5 * 8, 1];
    const read = parseProtobufSecret(Uint8Array.from([...body.slice(0, 4), ...field(1, type), ...field(2, secret)]));
    assert.ok(read.ok);
    const { metadata: _, apiVersion: _apiVersion, kind: _kind, ...content } = read.value;
    assert.deepEqual(content, {
      data: { 'tls.key': '/wA=' },
      stringData: { 'tls.crt': 'x' },
      type: 't',
      immutable: true,
    });
  });

  test('anything else is refused', () => {
    for (const bytes of [[], [1, 2, 3, 4], body.slice(0, -1), [...body, 0xff], [0x6b, 0x38, 0x73, 0, 0x0f]]) {
      assert.equal(parseProtobufNamespace(Uint8Array.from(bytes)).ok, false, String(bytes));
    }
  });
});
