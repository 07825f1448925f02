import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog, type StoredEvent } from '@pulseplane/event-log';
import { Projection, type WorkerObservation } from '@pulseplane/projection';
import type { StoredObject } from '@pulseplane/resources';
import fc from 'fast-check';
import { ConditionTimes } from './condition-times.ts';
import { CLASS, CLASSES, createFixture, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const GATEWAY = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'agentgateway-proxy' },
  spec: { gatewayClassName: 'agentgateway', listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
};
const OTHER = { ...TCP_POLICY, metadata: { name: 'other', namespace: 'httpbin' } };
const merge = { 'content-type': MERGE };

type Condition = { readonly type: string; readonly status: string; readonly lastTransitionTime: string };

/** An API with the stages behind it; it is 11:00 and as many minutes as `at` says. */
async function stages() {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  const times = new ConditionTimes(log);
  let workers: WorkerObservation = { kind: 'no-workers' };
  let minute = 0;
  const now = () => new Date(Date.UTC(2026, 10, 22, 11, minute));
  const statusOf = times.stamped((stored) => projection.status(stored, () => workers));
  log.follow((events) => {
    for (const event of events) {
      projection.apply(event);
      times.heard(event);
    }
  });
  const fixture = await createFixture({ log, statusOf, now });
  await fixture.send('POST', CLASSES, CLASS);
  await fixture.send('POST', GATEWAYS, GATEWAY);
  const conditionsAt = async (url: string): Promise<readonly Condition[]> => {
    const { status } = (await fixture.send('GET', url)).json();
    return status.ancestors?.[0].conditions ?? status.conditions;
  };
  return {
    ...fixture,
    at: (minutes: number) => (minute = minutes),
    answer: (waiting: number) => {
      workers = {
        kind: 'connected',
        since: now().toISOString(),
        workers: 1,
        waiting: Array.from({ length: waiting }, (_, index) => `w${index}`),
        rejections: [],
        portFailures: [],
      };
    },
    /** `Accepted True 3`: since 11:03. */
    since: async (url: string) =>
      (await conditionsAt(url)).map(
        ({ type, status, lastTransitionTime }) => `${type} ${status} ${new Date(lastTransitionTime).getUTCMinutes()}`,
      ),
  };
}

test('a condition has the time at which its status became what it is, whatever else was written', async () => {
  const { send, at, answer, since } = await stages();
  at(1);
  await send('POST', POLICIES, TCP_POLICY);
  assert.deepEqual(await since(POLICY), ['Accepted True 1', 'Attached True 1', 'Programmed Unknown 1']);
  at(2);
  answer(1);
  assert.deepEqual(await since(POLICY), ['Accepted True 1', 'Attached True 1', 'Programmed False 2']);
  at(3);
  answer(0);
  const programmed = ['Accepted True 1', 'Attached True 1', 'Programmed True 3'];
  assert.deepEqual(await since(POLICY), programmed);
  assert.deepEqual(await since(`${GATEWAYS}/agentgateway-proxy`), ['Accepted True 0', 'Programmed True 3']);
  at(4);
  answer(0);
  await send('PATCH', POLICY, { metadata: { labels: { a: 'b' } } }, merge);
  await send('PATCH', `${GATEWAYS}/agentgateway-proxy`, { metadata: { labels: { a: 'b' } } }, merge);
  await send('POST', POLICIES, OTHER);
  assert.deepEqual(await since(POLICY), programmed);
  assert.deepEqual(await since(`${GATEWAYS}/agentgateway-proxy`), ['Accepted True 0', 'Programmed True 3']);
  assert.deepEqual(await since(`${POLICIES}/other`), ['Accepted True 4', 'Attached False 4']);
  at(5);
  await send('DELETE', POLICY);
  const won = ['Accepted True 4', 'Attached True 5', 'Programmed True 5'];
  assert.deepEqual(await since(`${POLICIES}/other`), won);
  at(6);
  const { items } = (await send('GET', POLICIES)).json();
  const listed: readonly Condition[] = items[0].status.ancestors[0].conditions;
  assert.deepEqual(
    listed.map(({ lastTransitionTime }) => new Date(lastTransitionTime).getUTCMinutes()),
    [4, 5, 5],
  );
});

test('the time moves exactly when the status does, and never back', () => {
  const step = fc.record({
    status: fc.constantFrom('True', 'False'),
    passes: fc.integer({ min: 1, max: 50 }),
    isAbout: fc.boolean(),
    version: fc.constantFrom(1, 2),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), (steps) => {
      let derived = 1_000;
      let seconds = 1_000;
      let status = '';
      let version = 1;
      const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', uid: 'u' } };
      const stored = (): StoredObject => {
        return { ref: { group: '', kind: 'X', namespace: '', name: 'x' }, version, changedAt: '', object };
      };
      const times = new ConditionTimes({ object: stored });
      const statusOf = times.stamped(() => ({
        conditions: [
          { type: 'T', status, lastTransitionTime: new Date(derived * 1_000).toISOString().replace('.000', '') },
        ],
      }));
      let before: Condition | undefined;
      for (const { isAbout, passes, ...next } of steps) {
        seconds += passes;
        status = next.status;
        version = Math.max(version, next.version);
        if (isAbout) derived = seconds;
        const event = { time: new Date(seconds * 1_000).toISOString(), type: 'Created', subject: { uid: 'other' } };
        times.heard(event as StoredEvent);
        const { conditions } = statusOf(stored()) as unknown as { readonly conditions: readonly [Condition] };
        const [after] = conditions;
        assert.ok(Date.parse(after.lastTransitionTime) <= seconds * 1_000);
        if (before !== undefined) {
          const moved = after.lastTransitionTime !== before.lastTransitionTime;
          assert.equal(moved, after.status !== before.status);
          if (moved) assert.equal(Date.parse(after.lastTransitionTime), seconds * 1_000);
        }
        before = after;
      }
    }),
  );
});

test('what is gone is forgotten, and beyond the limit what was looked at first', () => {
  const present = new Set(['a', 'b', 'c']);
  const stored = (name: string): StoredObject => ({
    ref: { group: '', kind: 'X', namespace: '', name },
    version: 1,
    changedAt: '',
    object: { apiVersion: 'v1', kind: 'X', metadata: { name, uid: name } },
  });
  const times = new ConditionTimes({ object: ({ name }) => (present.has(name) ? stored(name) : undefined) }, 2);
  let derived = '2026-01-01T00:00:01Z';
  const statusOf = times.stamped(() => ({ conditions: [{ type: 'T', status: 'True', lastTransitionTime: derived }] }));
  const look = (name: string) => JSON.stringify(statusOf(stored(name))).match(/00:00:0./)?.[0];
  for (const name of ['a', 'b', 'c']) assert.equal(look(name), '00:00:01');
  derived = '2026-01-01T00:00:02Z';
  assert.deepEqual(['b', 'c'].map(look), ['00:00:01', '00:00:01']);
  assert.equal(look('a'), '00:00:02');
  times.heard({ type: 'Deleted', time: derived, subject: { uid: 'c' } } as StoredEvent);
  present.delete('c');
  assert.equal(look('c'), '00:00:02');
  derived = '2026-01-01T00:00:03Z';
  assert.deepEqual([look('c'), look('a')], ['00:00:03', '00:00:02']);
});

test('the log is not asked whether what was written after the last deletion is there', () => {
  const asked: string[] = [];
  const times = new ConditionTimes({
    object: ({ name }) => {
      asked.push(name);
      return undefined;
    },
  });
  const statusOf = times.stamped(() => ({ conditions: [] }));
  const look = (name: string, version: number) =>
    statusOf({
      ref: { group: '', kind: 'X', namespace: '', name },
      version,
      changedAt: '',
      object: { apiVersion: 'v1', kind: 'X', metadata: { name, uid: name } },
    });
  const hear = (type: StoredEvent['type'], seq: number) =>
    times.heard({ type, seq, time: '2026-01-01T00:00:01Z', subject: { uid: 'other' } } as StoredEvent);
  look('before the first', 4);
  hear('Created', 5);
  look('first', 5);
  look('older', 4);
  hear('Deleted', 6);
  look('maybe deleted', 5);
  hear('Created', 7);
  look('after the deletion', 7);
  assert.deepEqual(asked, ['before the first', 'older', 'maybe deleted']);
});
