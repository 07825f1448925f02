import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GATEWAY } from '../testing/world.ts';
import { decodeSaved, encodeSaved, type SavedConfiguration } from './saved-configuration.ts';

const resources = fc
  .array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 200 })))
  .map((all) => new Map(all.map(([name, version, body]) => [name, { version, body }])));
const configurations: fc.Arbitrary<SavedConfiguration> = fc.record({
  gateway: fc.constant(GATEWAY),
  acceptedAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }),
  resources,
});

const bytesOf = (saved: SavedConfiguration) => Buffer.from([...encodeSaved(saved)].join(''));
const plain = ({ acceptedAt, resources: all }: SavedConfiguration) => [
  acceptedAt.toISOString(),
  [...all].map(([name, { version, body }]) => [name, version, Buffer.from(body).toString('hex')]),
];

test('what was written is read again, whatever names, versions and bytes it has', () => {
  fc.assert(
    fc.property(configurations, (saved) => {
      const read = decodeSaved(bytesOf(saved), GATEWAY);
      assert.equal(read.kind, 'decoded');
      if (read.kind === 'decoded') assert.deepEqual(plain(read.saved), plain(saved));
    }),
  );
});

test('a file that is cut off or changed anywhere is not used, and why is said', () => {
  fc.assert(
    fc.property(configurations, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (saved, at, by, isCut) => {
      const bytes = bytesOf(saved);
      const position = at % bytes.length;
      const damaged = Buffer.from(isCut ? bytes.subarray(0, position) : bytes);
      if (!isCut) damaged[position] = (damaged[position] ?? 0) ^ by;
      const read = decodeSaved(damaged, GATEWAY);
      assert.equal(read.kind, 'unusable');
      if (read.kind === 'unusable') assert.match(read.reason, /^(its|it) \w+/);
    }),
  );
});

test('any bytes at all are read without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(decodeSaved(Buffer.from(bytes), GATEWAY).kind, 'unusable');
    }),
  );
});

test('a file of another gateway, a newer schema, and something else are told apart', () => {
  const saved: SavedConfiguration = { gateway: GATEWAY, acceptedAt: new Date(0), resources: new Map() };
  const reasonOf = (bytes: Buffer, gateway: { readonly namespace: string; readonly name: string } = GATEWAY) => {
    const read = decodeSaved(bytes, gateway);
    return read.kind === 'unusable' ? read.reason : read.kind;
  };
  assert.equal(reasonOf(bytesOf(saved)), 'decoded');
  assert.equal(
    reasonOf(bytesOf(saved), { namespace: 'other', name: 'gateway' }),
    'it is of the gateway httpbin/agentgateway-proxy',
  );
  const newer = bytesOf(saved).toString().replace('configuration 1', 'configuration 2');
  assert.equal(reasonOf(Buffer.from(newer)), 'its schema is 2, and this worker reads 1');
  assert.equal(reasonOf(Buffer.from('#!/bin/sh\n')), 'it is not a configuration of a worker');
  assert.equal(reasonOf(Buffer.alloc(0)), 'it is not a configuration of a worker');
});
