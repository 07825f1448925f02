import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { validateObject } from '@pulseplane/resources';
import { KUBERNETES_CASES, type KubernetesCase } from './kubernetes-cases.ts';

const ANSWERS = JSON.parse(readFileSync(join(import.meta.dirname, 'kubernetes-answers.json'), 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;

/** What a real API server with examples/crds answered (kube-apiserver 1.33.13), and what we answer. */
describe('the faults of an object are those that a real API server finds', () => {
  for (const each of KUBERNETES_CASES) {
    test(each.name, () => {
      const { [each.name]: recorded } = ANSWERS;
      assert.ok(recorded, 'there is no answer on record: npm run record:kubernetes');
      assert.deepEqual(ourFaults(each), outsideOfRefused(recorded));
    });
  }

  test('no answer is on record for a case that is gone', () => {
    const names = new Set(KUBERNETES_CASES.map(({ name }) => name));
    assert.deepEqual(
      Object.keys(ANSWERS).filter((name) => !names.has(name)),
      [],
    );
  });
});

/** Of what is wrong inside of a section that is refused we say nothing. */
function outsideOfRefused(faults: readonly string[]): readonly string[] {
  const refused = faults.filter((fault) => fault.endsWith(REFUSED)).map((fault) => fault.slice(0, -REFUSED.length));
  return faults.filter((fault) => !refused.some((path) => fault.startsWith(`${path}.`)));
}

const REFUSED = ': Forbidden: not enforced by Pulseplane; remove it';

/** We say which size was given; an API server cannot, as message expressions on int-or-string cost it too much. */
const SIZE_IN_MESSAGE = /((?:bytes|uint32)), got .*$/;

function ourFaults({ kind, object }: KubernetesCase): readonly string[] {
  const { errors, unknown } = validateObject(kind, object);
  if (unknown.length > 0) {
    const fields = unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ');
    return [
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: strict decoding error: ${fields}`,
    ];
  }
  return errors.map(({ field, message }) => `${field}: ${message.replace(SIZE_IN_MESSAGE, '$1')}`).sort();
}
