import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsFilter } from './connections-filter.ts';

test('an address is asked for with its port or without, an IPv6 one with brackets or without', () => {
  const row = { peer: '[2001:db8::1]:4711', via: null, local: '192.0.2.1:80' };
  const isFound = (query: string) => {
    const filter = connectionsFilter(new URLSearchParams(query));
    return filter.kind === 'filter' && filter.matches(row);
  };
  for (const wanted of ['[2001:db8::1]:4711', '[2001:db8::1]', '2001:db8::1']) {
    assert.ok(isFound(`peer=${wanted}`), wanted);
  }
  for (const wanted of ['2001:db8::2', '2001:db8:', '[2001:db8::1]:471', '']) {
    assert.ok(!isFound(`peer=${wanted}`), wanted);
  }
  assert.ok(isFound('local=192.0.2.1') && isFound('local=192.0.2.1:80') && !isFound('via=192.0.2.1'));
});
