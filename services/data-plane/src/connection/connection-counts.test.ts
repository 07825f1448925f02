import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnectionCounter } from './connection-counts.ts';

const TCP = { policyKeys: { tcp: 'a' } };
const BOTH = { policyKeys: { tcp: 'a', http: 'b' } };
const NONE = { policyKeys: {} };

test('a connection counts once among all, and once for each policy in force on it', () => {
  const counter = createConnectionCounter(() => [TCP, BOTH, NONE]);
  counter.closed(BOTH, 'ping_timeout');
  counter.closed(BOTH, 'peer');
  counter.closed(NONE, 'peer');
  counter.socketOptionFailed('a');
  counter.socketOptionFailed();
  const { policies, ...all } = counter.read();
  const closes = (entries: Readonly<Record<string, number>>) => new Map(Object.entries(entries));
  assert.deepEqual(all, { open: 3, closes: closes({ ping_timeout: 1, peer: 2 }), socketOptionErrors: 2 });
  const once = closes({ ping_timeout: 1, peer: 1 });
  assert.deepEqual(
    [...policies],
    [
      ['a', { open: 2, closes: once, socketOptionErrors: 1 }],
      ['b', { open: 1, closes: once, socketOptionErrors: 0 }],
    ],
  );
});

test('a policy that is gone is forgotten when nothing is open under it, so that names do not pile up', () => {
  let open = [TCP];
  const counter = createConnectionCounter(() => open);
  counter.keepOnly(new Set(['a']));
  counter.closed(TCP, 'peer');
  counter.keepOnly(new Set());
  assert.deepEqual([...counter.read().policies.keys()], ['a']);
  open = [];
  assert.deepEqual([...counter.read().policies.keys()], []);
});

test('what was read stays as it was', () => {
  const counter = createConnectionCounter(() => []);
  const before = counter.read();
  counter.closed(NONE, 'peer');
  assert.equal(before.closes.size, 0);
});
