import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Append } from '../event-log.ts';
import { policyEvent, policyRef } from '../testing/index.ts';
import { decodeMessage, encodeMessage, requireCommand } from './message.ts';

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

test('a command is refused that does not hold what the port takes', () => {
  const event = policyEvent('a');
  const sound = { expected: [{ ref: policyRef('a'), version: 0 }], events: [event] };
  requireCommand(sound);
  for (const broken of [
    { ...sound, events: [{ ...event, type: 'Nonsense' }] },
    { ...sound, events: [{ ...event, object: {} }] },
    { ...sound, events: [{ ...event, time: '2026-11-22' }] },
    { ...sound, events: [{ ...event, requestId: '\ud800' }] },
    { ...sound, events: [{ ...event, subject: { ...event.subject, name: 1 } }] },
    { ...sound, expected: [{ ref: policyRef('a'), version: -1 }] },
    { ...sound, contents: { namespace: 'a' } },
    { ...sound, idempotencyKey: 7 },
  ]) {
    assert.throws(() => requireCommand(broken as Append), /has not the parts of a command/, JSON.stringify(broken));
  }
});
