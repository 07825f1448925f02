import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectRef } from '@pulseplane/resources';
import type { EventType, NewEvent, StoredEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';

/** How the contract suite gets a fresh, empty log. */
export type EventLogFactory = { readonly name: string; readonly open: () => EventLog };

let counter = 0;

/** A policy's event, for tests that need one. */
export function policyEvent(name: string, type: EventType = 'Created', spec: object = {}): NewEvent {
  counter += 1;
  return {
    id: `event-${counter}`,
    type,
    subject: { ...policyRef(name), uid: `uid-${name}` },
    object: {
      apiVersion: 'agentgateway.dev/v1alpha1',
      kind: 'AgentgatewayPolicy',
      metadata: { name, namespace: 'httpbin', uid: `uid-${name}` },
      spec: { ...spec },
    },
    actor: { user: 'anonymous', via: 'test' },
    requestId: `request-${counter}`,
    time: '2026-11-22T12:00:00.000Z',
  };
}

/** The reference that {@link policyEvent} gives its subject. */
export function policyRef(name: string): ObjectRef {
  return { group: 'agentgateway.dev', kind: 'AgentgatewayPolicy', namespace: 'httpbin', name };
}

/** What every adapter of the event log must do. Registers its tests with node:test. */
export function eventLogContract({ name, open }: EventLogFactory): void {
  const contract = (title: string, run: (log: EventLog) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const log = open();
      try {
        await run(log);
      } finally {
        log.close();
      }
    });
  };

  contract('an empty log has head 0 and no objects', async (log) => {
    assert.equal(log.head(), 0);
    assert.deepEqual(log.objects({}), []);
    assert.deepEqual(log.read({ from: 1, limit: 10 }), []);
  });

  contract('an append gives dense sequence numbers and a chain of hashes', async (log) => {
    await log.append({ expected: [], events: [policyEvent('a'), policyEvent('b')] });
    await log.append({ expected: [], events: [policyEvent('a', 'SpecChanged', { x: 1 })] });
    const events = log.read({ from: 1, limit: 10 });
    assert.deepEqual(
      events.map((event) => event.seq),
      [1, 2, 3],
    );
    assert.equal(events[0]?.prevHash, '');
    assert.equal(events[1]?.prevHash, events[0]?.hash);
    assert.equal(events[2]?.prevHash, events[1]?.hash);
    assert.equal(new Set(events.map((event) => event.hash)).size, 3);
    assert.equal(log.head(), 3);
  });

  contract('an event is read back as it was appended', async (log) => {
    const event = policyEvent('a', 'Created', { text: 'äöü \u0000 "quoted"', list: [1, null, { b: 2, a: 1 }] });
    const appended = await log.append({ expected: [], events: [event] });
    assert(appended.kind === 'appended');
    assert.deepEqual(log.read({ from: 1, limit: 1 }), appended.events);
    assert.deepEqual(log.object(policyRef('a'))?.object, event.object);
  });

  contract('current objects follow the events', async (log) => {
    await log.append({ expected: [], events: [policyEvent('b'), policyEvent('a')] });
    await log.append({ expected: [], events: [policyEvent('b', 'SpecChanged', { changed: true })] });
    assert.deepEqual(
      log.objects({ kind: 'AgentgatewayPolicy' }).map(({ ref, version }) => [ref.name, version]),
      [
        ['a', 2],
        ['b', 3],
      ],
    );
    assert.deepEqual(log.object(policyRef('b'))?.object.spec, { changed: true });
    await log.append({ expected: [], events: [policyEvent('b', 'Deleted')] });
    assert.equal(log.object(policyRef('b')), undefined);
    assert.equal(log.objects({ namespace: 'elsewhere' }).length, 0);
    assert.equal(log.head(), 4);
  });

  contract('a wrong expected version changes nothing', async (log) => {
    await log.append({ expected: [{ ref: policyRef('a'), version: 0 }], events: [policyEvent('a')] });
    const lost = await log.append({
      expected: [
        { ref: policyRef('b'), version: 0 },
        { ref: policyRef('a'), version: 0 },
      ],
      events: [policyEvent('b'), policyEvent('a')],
    });
    assert.deepEqual(lost, { kind: 'conflict', ref: policyRef('a'), expected: 0, actual: 1 });
    assert.equal(log.head(), 1);
    assert.equal(log.object(policyRef('b')), undefined);
  });

  contract('of two racing creations one wins', async (log) => {
    const results = await Promise.all(
      [1, 2].map((writer) =>
        log.append({
          expected: [{ ref: policyRef('a'), version: 0 }],
          events: [policyEvent('a', 'Created', { writer })],
        }),
      ),
    );
    assert.deepEqual(results.map((result) => result.kind).sort(), ['appended', 'conflict']);
    assert.equal(log.head(), 1);
  });

  contract('a follower sees every append once, in order, after it is readable', async (log) => {
    const seen: StoredEvent[] = [];
    const stop = log.follow((events) => {
      assert.equal(log.read({ from: events[0]?.seq ?? 0, limit: 100 }).length, events.length);
      seen.push(...events);
    });
    await log.append({ expected: [], events: [policyEvent('a'), policyEvent('b')] });
    await log.append({ expected: [], events: [policyEvent('c')] });
    stop();
    await log.append({ expected: [], events: [policyEvent('d')] });
    assert.deepEqual(
      seen.map((event) => event.seq),
      [1, 2, 3],
    );
  });
}
