import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from './message.ts';

test('a message of the first format has events of schema version 2', () => {
  const decoded = decodeMessage(Buffer.from('{"format":1,"writer":"w","number":1,"commands":[]}'));
  assert.equal(decoded.kind === 'message' && decoded.message.schemaVersion, 2);
});

test('a message whose events have a newer schema version is not read: it would get other hashes here', () => {
  const text = Buffer.from(encodeMessage('w', 1, []))
    .toString()
    .replace(/"schemaVersion":\d+/, '"schemaVersion":99');
  assert.deepEqual(decodeMessage(Buffer.from(text)), {
    kind: 'unreadable',
    reason: 'its events have schema version 99, and this version knows 3',
  });
});
