import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import type { EventType, NewEvent, StoredEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import { tail } from '../tail.ts';

/** How the contract suite gets a fresh, empty log. */
export type EventLogFactory = { readonly name: string; readonly open: () => EventLog | Promise<EventLog> };

let counter = 0;

/** A policy's event, for tests that need one. */
export function policyEvent(
  name: string,
  type: EventType = 'Created',
  spec: object = {},
  time = '2026-11-22T12:00:00.000Z',
): NewEvent {
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
    correlationId: `correlation-${counter}`,
    time,
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
      const log = await open();
      try {
        await run(log);
      } finally {
        await log.close();
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
    assert.deepEqual([...log.each({ namespace: 'httpbin' })], log.objects({}));
    assert.deepEqual([...log.each({ group: 'elsewhere' })], []);
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

  contract('a retried command gets the events of the first try, and nothing is appended twice', async (log) => {
    const command = { expected: [{ ref: policyRef('a'), version: 0 }], idempotencyKey: 'key-1' };
    assert.equal(log.appended('key-1'), undefined);
    const first = await log.append({ ...command, events: [policyEvent('a')] });
    const second = await log.append({ ...command, events: [policyEvent('a')] });
    assert(first.kind === 'appended' && second.kind === 'repeated');
    assert.deepEqual(second.events, first.events);
    assert.deepEqual(log.appended('key-1'), first.events);
    const racing = [1, 2].map(() => log.append({ expected: [], events: [policyEvent('b')], idempotencyKey: 'key-2' }));
    assert.deepEqual((await Promise.all(racing)).map(({ kind }) => kind).sort(), ['appended', 'repeated']);
    assert.equal(log.head(), 2);
  });

  contract('a lost race does not use up its idempotency key', async (log) => {
    const expected = [{ ref: policyRef('a'), version: 7 }];
    assert.equal((await log.append({ expected, events: [policyEvent('a')], idempotencyKey: 'k' })).kind, 'conflict');
    assert.equal(
      (await log.append({ expected: [], events: [policyEvent('a')], idempotencyKey: 'k' })).kind,
      'appended',
    );
  });

  contract('objects can be seen as they were after any event', async (log) => {
    await log.append({ expected: [], events: [policyEvent('a', 'Created', { x: 1 }), policyEvent('b')] });
    await log.append({
      expected: [],
      events: [policyEvent('a', 'SpecChanged', { x: 2 }), policyEvent('b', 'Deleted')],
    });
    await log.append({ expected: [], events: [policyEvent('b', 'Created', { again: true })] });
    const names = (seq: number) =>
      log.objectsAt({ kind: 'AgentgatewayPolicy' }, seq).map(({ ref, version }) => [ref.name, version]);
    assert.deepEqual(names(0), []);
    assert.deepEqual(names(1), [['a', 1]]);
    assert.deepEqual(names(2), [
      ['a', 1],
      ['b', 2],
    ]);
    assert.deepEqual(names(4), [['a', 3]]);
    assert.deepEqual(names(5), [
      ['a', 3],
      ['b', 5],
    ]);
    assert.deepEqual(log.objectsAt({}, 5), log.objects({}));
    assert.deepEqual(log.objectAt(policyRef('a'), 2)?.object.spec, { x: 1 });
    assert.equal(log.objectAt(policyRef('b'), 4), undefined);
    assert.deepEqual(log.objectAt(policyRef('b'), 5), log.object(policyRef('b')));
  });

  contract(
    'the history of an object is newest first, in pages, and includes earlier objects of its name',
    async (log) => {
      await log.append({ expected: [], events: [policyEvent('a'), policyEvent('b'), policyEvent('a', 'SpecChanged')] });
      await log.append({ expected: [], events: [policyEvent('a', 'Deleted'), policyEvent('a')] });
      const seqs = (before: number, limit: number) =>
        log.history(policyRef('a'), { before, limit }).map(({ seq }) => seq);
      assert.deepEqual(seqs(99, 10), [5, 4, 3, 1]);
      assert.deepEqual(seqs(99, 2), [5, 4]);
      assert.deepEqual(seqs(4, 2), [3, 1]);
    },
  );

  contract('a list goes on after any object, now and in the past', async (log) => {
    await log.append({ expected: [], events: ['a', 'b', 'c', 'd'].map((name) => policyEvent(name)) });
    await log.append({ expected: [], events: [policyEvent('b', 'Deleted'), policyEvent('bb')] });
    const { namespace, group, kind } = policyRef('a');
    const after = (name: string) => ({ group, kind, after: { namespace, name } });
    const names = (objects: Iterable<StoredObject>) => [...objects].map(({ ref }) => ref.name);
    assert.deepEqual(names(log.objects(after('a'))), ['bb', 'c', 'd']);
    assert.deepEqual(names(log.each(after('b'))), ['bb', 'c', 'd']);
    assert.deepEqual(names(log.objectsAt(after('a'), 4)), ['b', 'c', 'd']);
    assert.deepEqual(names(log.objects(after('d'))), []);
    assert.deepEqual(names(log.objects({ after: { namespace: '', name: 'z' } })), ['a', 'bb', 'c', 'd']);
  });

  contract(
    'every version of an object with a long history is found, and its history from any point back',
    async (log) => {
      const names = ['a', 'b', 'a', 'a'];
      const events = Array.from({ length: 800 }, (_, x) => policyEvent(names[x % 4] ?? 'a', 'SpecChanged', { x }));
      await log.append({ expected: [], events });
      for (const seq of [1, 2, 3, 85, 86, 87, 170, 171, 172, 511, 512, 513, 799, 800]) {
        const newest = events.slice(0, seq).findLast(({ subject }) => subject.name === 'a');
        assert.deepEqual(log.objectAt(policyRef('a'), seq)?.object, newest?.object, `at ${seq}`);
        const [past] = log.history(policyRef('a'), { before: seq + 1, limit: 1 });
        assert.deepEqual(past?.object, newest?.object, `before ${seq + 1}`);
        assert.equal(log.objectsAt({}, seq).length, Math.min(seq, 2));
      }
      assert.equal(log.history(policyRef('a'), { before: 801, limit: 1000 }).length, 600);
    },
  );

  contract('a time leads to the newest event at or before it', async (log) => {
    const at = (second: number) => `2026-11-22T12:00:0${second}.000Z`;
    for (const second of [1, 3, 3, 5]) {
      await log.append({ expected: [], events: [policyEvent('a', 'SpecChanged', {}, at(second))] });
    }
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 9].map((second) => log.seqAt(at(second))),
      [0, 1, 1, 3, 3, 4, 4],
    );
  });

  contract('times never go back, whatever the writers clocks say', async (log) => {
    const at = (second: number) => `2026-11-22T12:00:0${second}.000Z`;
    for (const second of [1, 5, 2, 6])
      await log.append({ expected: [], events: [policyEvent('a', 'SpecChanged', {}, at(second))] });
    assert.deepEqual(
      log.read({ from: 1, limit: 9 }).map(({ time }) => time),
      [at(1), at(5), at(5), at(6)],
    );
    assert.deepEqual(
      [1, 2, 5, 6].map((second) => log.seqAt(at(second))),
      [1, 1, 3, 4],
    );
  });

  contract('a namespace that holds other objects than the writer has seen is not emptied', async (log) => {
    await log.append({ expected: [], events: [policyEvent('a'), policyEvent('late')] });
    const { namespace } = policyRef('a');
    const deletion = (names: readonly string[]) =>
      log.append({
        expected: names.map((name, index) => ({ ref: policyRef(name), version: index + 1 })),
        contents: { namespace, objects: names.length },
        events: names.map((name) => policyEvent(name, 'Deleted')),
      });
    const refused = await deletion(['a']);
    assert.deepEqual(refused, {
      kind: 'conflict',
      ref: { group: '', kind: '', namespace, name: '' },
      expected: 1,
      actual: 2,
    });
    assert.equal(log.head(), 2);
    assert.equal((await deletion(['a', 'late'])).kind, 'appended');
    assert.deepEqual(log.objects({ namespace }), []);
  });

  contract('a follower that fails does not keep the writer from its answer, nor others from hearing', async (log) => {
    const heard: number[] = [];
    const failures: unknown[] = [];
    const listener = (error: unknown) => failures.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', listener);
    try {
      log.follow(() => {
        throw new Error('a follower failed');
      });
      log.follow((events) => heard.push(...events.map(({ seq }) => seq)));
      assert.equal((await log.append({ expected: [], events: [policyEvent('a')] })).kind, 'appended');
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      process.removeListener('uncaughtException', listener);
      for (const other of others) process.on('uncaughtException', other);
    }
    assert.deepEqual(heard, [1]);
    assert.match(String(failures[0]), /a follower failed/, 'it is told, not swallowed');
  });

  contract('the source of a restoration and the correlation id are kept', async (log) => {
    const event = { ...policyEvent('a'), correlationId: 'c', restoredFrom: { seq: 3 } };
    await log.append({ expected: [], events: [event] });
    const [stored] = log.read({ from: 1, limit: 1 });
    assert.deepEqual([stored?.correlationId, stored?.restoredFrom], ['c', { seq: 3 }]);
  });

  contract('many commands of one turn are each answered by their own outcome', async (log) => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        log.append({
          expected: [{ ref: policyRef(`p${index % 50}`), version: 0 }],
          events: [policyEvent(`p${index % 50}`)],
        }),
      ),
    );
    assert.equal(results.filter(({ kind }) => kind === 'appended').length, 50);
    assert.equal(log.head(), 50);
  });

  contract('a tail reads the past, then what comes, each event once, until it is aborted', async (log) => {
    await log.append({ expected: [], events: [policyEvent('a'), policyEvent('b'), policyEvent('c')] });
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const events of tail(log, { from: 2, pageSize: 1, signal: stop.signal })) {
        seen.push(...events.map(({ seq }) => seq));
        if (seen.includes(5)) stop.abort();
      }
    })();
    await log.append({ expected: [], events: [policyEvent('d')] });
    await log.append({ expected: [], events: [policyEvent('e')] });
    await reading;
    assert.deepEqual(seen, [2, 3, 4, 5]);
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
