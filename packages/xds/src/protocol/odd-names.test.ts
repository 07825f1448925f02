import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OddNames, type Standing } from './odd-names.ts';

const REFUSED = { held: undefined, rejected: '1' };

test('of thousands of quiet names only those are looked at that were changed or reopened', () => {
  const odd = new OddNames();
  const names = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
  for (const name of names) odd.set(name, REFUSED);
  let looks = 0;
  const loose = (standing: Standing): readonly string[] => {
    looks = 0;
    const look = (): Standing => {
      looks += 1;
      return standing;
    };
    return [...odd.loose(look)];
  };
  assert.deepEqual(loose('loose'), names);
  assert.deepEqual(loose('quiet'), []);
  assert.equal(looks, names.length);
  assert.deepEqual(loose('quiet'), []);
  assert.equal(looks, 0);
  odd.set('n7', { held: { version: '2' } });
  odd.reopen('n8');
  odd.reopen('unknown');
  odd.reopen('n9');
  odd.delete('n9');
  assert.deepEqual(loose('loose'), ['n7', 'n8']);
  assert.equal(odd.size, names.length - 1);
  assert.equal(odd.has('n9'), false);
  assert.deepEqual(loose('plain'), []);
  assert.equal(odd.size, names.length - 3);
});

test('C14: the blame is taken from all suspects of a response together, also when they were of several', () => {
  const odd = new OddNames();
  const held = { version: '0' };
  for (const [name, suspectOf] of Object.entries({ a: '1', b: '1', c: '2', d: '3' })) {
    odd.set(name, { held, rejected: '1', suspectOf });
  }
  odd.merge('1', '2');
  odd.delete('b');
  odd.set('d', REFUSED);
  assert.deepEqual(
    [...odd.suspects()].map(([nonce, names]) => [nonce, [...names].sort()]),
    [['2', ['a', 'c']]],
  );
  odd.clear('2');
  assert.deepEqual([...odd.suspects()], []);
  assert.deepEqual(new Map(odd), new Map(Object.entries({ a: { held }, c: { held }, d: REFUSED })));
});
