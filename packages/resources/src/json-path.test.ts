import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPath } from './json-path.ts';

const object = {
  metadata: { name: 'a' },
  spec: { hostnames: ['x', 'y'], nothing: null },
  status: {
    ancestors: [
      {
        conditions: [
          { type: 'Accepted', status: 'True' },
          { type: 'Attached', status: 'False' },
        ],
      },
      { conditions: [{ type: 'Accepted', status: 'Unknown' }] },
    ],
  },
};

test('a path of fields finds the value', () => {
  assert.deepEqual(readPath(object, '.metadata.name'), ['a']);
  assert.deepEqual(readPath(object, '.spec.hostnames'), [['x', 'y']]);
});

test('a path that leads nowhere, or to null, finds nothing', () => {
  assert.deepEqual(readPath(object, '.metadata.missing.deeper'), []);
  assert.deepEqual(readPath(object, '.spec.nothing'), []);
  assert.deepEqual(readPath(object, '.constructor'), []);
});

test('lists are walked and filtered', () => {
  const path = ".status.ancestors[*].conditions[?(@.type=='Accepted')].status";
  assert.deepEqual(readPath(object, path), ['True', 'Unknown']);
  assert.deepEqual(readPath(object, '.spec.hostnames[*]'), ['x', 'y']);
});

test('a path outside of the subset is an error', () => {
  assert.throws(() => readPath(object, '.spec.hostnames[0]'), /subset/);
});
