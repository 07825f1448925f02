import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelValueFaults, nameFaults, qualifiedNameFaults } from './names.ts';

type Case = readonly [name: string, faults: readonly RegExp[]];

function check(what: string, faultsOf: (text: string) => readonly string[], cases: readonly Case[]): void {
  for (const [text, expected] of cases) {
    test(`${what} ${JSON.stringify(text.slice(0, 40))} has ${expected.length} faults`, () => {
      const faults = faultsOf(text);
      assert.equal(faults.length, expected.length, faults.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? '', pattern);
    });
  }
}

check('the subdomain', (text) => nameFaults(text, 'subdomain'), [
  ['httpbin-keepalive', []],
  ['a.b-c.d1', []],
  ['Upper', [/^a lowercase RFC 1123 subdomain must consist of/]],
  ['-a', [/RFC 1123 subdomain/]],
  ['a..b', [/RFC 1123 subdomain/]],
  ['a_b', [/RFC 1123 subdomain/]],
  ['a/b', [/RFC 1123 subdomain/]],
  ['a\n', [/RFC 1123 subdomain/]],
  ['a'.repeat(253), []],
  ['a'.repeat(254), [/no more than 253 characters/]],
]);

check('the label', (text) => nameFaults(text, 'label'), [
  ['httpbin', []],
  ['a.b', [/^must not contain dots$/]],
  ['a_b', [/RFC 1123 label must consist of/]],
  ['a'.repeat(63), []],
  ['a'.repeat(64), [/no more than 63 characters/]],
]);

check('the key', qualifiedNameFaults, [
  ['app', []],
  ['kubectl.kubernetes.io/last-applied-configuration', []],
  ['A_b.C-1', []],
  ['a/b/c', [/^a qualified name must consist of/]],
  ['/b', [/prefix part must be non-empty/]],
  ['a/', [/name part must be non-empty/, /name part must consist of/]],
  ['UPPER/b', [/prefix part a lowercase RFC 1123 subdomain/]],
  ['-a', [/name part must consist of/]],
  ['__proto__', [/name part must consist of/]],
  ['a'.repeat(64), [/name part must be no more than 63 characters/]],
]);

check('the label value', labelValueFaults, [
  ['', []],
  ['v1.2_3-x', []],
  ['a b', [/a valid label must be an empty string or/]],
  ['-a', [/a valid label/]],
  ['a'.repeat(64), [/no more than 63 characters/]],
]);
