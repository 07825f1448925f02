import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENTGATEWAY_POLICY, contentOf, type StoredObject } from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';
import { EVENT } from './event-kind.ts';
import type { Notice } from './notices.ts';
import { RecordedEvents } from './recorded-events.ts';

function policy(name: string, namespace = 'httpbin', uid = `uid-${name}`): StoredObject {
  const object = {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name, namespace, uid },
  };
  return { ref: refOf(AGENTGATEWAY_POLICY, namespace, name), version: 7, changedAt: '', object };
}

const notice = (message: string): Notice => ({ type: 'Normal', reason: 'Accepted', message });

function clocked() {
  let ms = Date.parse('2026-11-22T10:00:00Z');
  const events = new RecordedEvents(() => new Date(ms));
  return { events, wait: (seconds: number) => (ms += seconds * 1_000) };
}

test('what happens again is counted, under one name that every replica gives it', () => {
  const { events, wait } = clocked();
  const version = events.version();
  events.record(policy('a'), notice('x'));
  wait(90);
  events.record(policy('a'), notice('x'));
  const [event, ...others] = events.objects(EVENT);
  assert.deepEqual(others, []);
  const { count, firstTimestamp, lastTimestamp, involvedObject } = contentOf(event?.object ?? {});
  assert.deepEqual([count, firstTimestamp, lastTimestamp], [2, '2026-11-22T10:00:00Z', '2026-11-22T10:01:30Z']);
  assert.deepEqual(involvedObject, {
    kind: 'AgentgatewayPolicy',
    namespace: 'httpbin',
    name: 'a',
    uid: 'uid-a',
    apiVersion: 'agentgateway.dev/v1alpha1',
    resourceVersion: '7',
  });
  const { events: replica } = clocked();
  replica.record(policy('a'), notice('x'));
  assert.equal(replica.objects(EVENT)[0]?.ref.name, event?.ref.name);
  assert.match(event?.ref.name ?? '', /^a\.[0-9a-f]{16}$/);
  assert.deepEqual(
    events.changesAfter(version)?.map(({ type }) => type),
    ['ADDED', 'MODIFIED'],
  );
});

test('other messages and other objects have events of their own, a new object of the same name too', () => {
  const { events } = clocked();
  events.record(policy('a'), notice('x'));
  events.record(policy('a'), notice('y'));
  events.record(policy('b'), notice('x'));
  events.record(policy('a', 'httpbin', 'another'), notice('x'));
  assert.equal(events.objects(EVENT).length, 4);
  assert.equal(events.objects(EVENT, 'other').length, 0);
});

test('an event is forgotten an hour after it happened last', () => {
  const { events, wait } = clocked();
  events.record(policy('a'), notice('x'));
  wait(1_800);
  events.record(policy('a'), notice('x'));
  events.record(policy('b'), notice('x'));
  wait(3_599);
  assert.equal(events.objects(EVENT).length, 2);
  const version = events.version();
  wait(1);
  assert.deepEqual(events.objects(EVENT), []);
  assert.deepEqual(
    events.changesAfter(version)?.map(({ type }) => type),
    ['DELETED', 'DELETED'],
  );
});

test('one object has at most 25 events, and all have 5000; the oldest go first', () => {
  const { events } = clocked();
  for (let index = 0; index < 30; index++) events.record(policy('noisy'), notice(`${index}`));
  const messages = events.objects(EVENT).map(({ object }) => Number(contentOf(object)['message']));
  assert.deepEqual(
    messages.sort((a, b) => a - b),
    Array.from({ length: 25 }, (_, index) => index + 5),
  );
  for (let index = 0; index < 5_000; index++) events.record(policy(`p${index}`), notice('x'));
  assert.equal(events.objects(EVENT).length, 5_000);
  assert.ok(events.objects(EVENT).every(({ ref }) => ref.name.startsWith('p')));
});

test('events of a namespace go with it', () => {
  const { events } = clocked();
  events.record(policy('a'), notice('x'));
  events.record(policy('a', 'other'), notice('x'));
  events.removeNamespace('httpbin');
  assert.deepEqual(
    events.objects(EVENT).map(({ ref }) => ref.namespace),
    ['other'],
  );
});

test('a long name and a long message are cut', () => {
  const { events } = clocked();
  events.record(policy('n'.repeat(253)), notice('m'.repeat(5_000)));
  const [event] = events.objects(EVENT);
  assert.equal(event?.ref.name.length, 253);
  assert.equal(String(contentOf(event?.object ?? {})['message']).length, 1_024);
});
