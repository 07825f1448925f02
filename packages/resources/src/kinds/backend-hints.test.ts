import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { test } from 'node:test';
import { validateSpec } from '../testing/faults.ts';
import { AGENTGATEWAY_BACKEND } from './agentgateway-backend.ts';

const GOOD = [
  'httpbin.example.com',
  'httpbin.example.com.',
  'my_service',
  'a',
  'xn--bcher-kva.example',
  'bücher.example',
  '10.0.0.1',
  '10.1',
  '0x7f.1',
  '2130706433',
  '::1',
  'fe80::1%eth0',
  '::ffff:10.0.0.1',
  '1password.com',
  'a.1b',
];

const BAD: readonly (readonly [host: string, rule: string])[] = [
  ['http://foo', 'it must be a host alone, without a scheme'],
  ['bad host', 'it must be a DNS name or an IP address; names have letters, digits, "-", "_" and "."'],
  ['foo/bar', 'it must be a DNS name or an IP address; names have letters, digits, "-", "_" and "."'],
  ['*.example.com', 'it must be a DNS name or an IP address; names have letters, digits, "-", "_" and "."'],
  ['foo:8080', 'it must be a host alone; the port goes to spec.static.port'],
  ['[::1]', 'IPv6 addresses are written without brackets here'],
  ['1::2::3', 'it is no IPv6 address'],
  ['10.0.0.999', 'it is no IPv4 address'],
  ['1.2.3.4.5', 'it is no IPv4 address'],
  ['256.1', 'it is no IPv4 address'],
  ['239.1.2.3', 'multicast addresses have no TCP'],
  ['ff02::1%eth0', 'multicast addresses have no TCP'],
  ['a..b', 'each part of a DNS name has 1 to 63 characters'],
  ['.a', 'each part of a DNS name has 1 to 63 characters'],
  ['a'.repeat(64), 'each part of a DNS name has 1 to 63 characters'],
  [`${'a.'.repeat(126)}bc`, 'a DNS name has at most 253 characters'],
  ['-a', 'a DNS name does not begin with "-"'],
];

function warningsOf(host: string): readonly string[] {
  const { errors, warnings } = validateSpec(AGENTGATEWAY_BACKEND, { static: { host, port: 80 } });
  assert.deepEqual(errors, []);
  return warnings;
}

for (const host of GOOD) test(`${host} is taken without a word`, () => assert.deepEqual(warningsOf(host), []));

for (const [host, rule] of BAD) {
  test(`${host.slice(0, 40)} is taken with a warning, and no resolver knows it`, async () => {
    assert.deepEqual(warningsOf(host), [
      `spec.static.host: ${JSON.stringify(host)} can never be connected to: ${rule}`,
    ]);
    if (rule.startsWith('multicast')) return;
    await assert.rejects(lookup(host));
  });
}

test('the short forms of IPv4 are what Linux reads', async () => {
  for (const host of ['10.1', '0x7f.1', '2130706433']) assert.equal((await lookup(host)).family, 4);
});
