import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createMemoryEventLog, StorageFault } from '@pulseplane/event-log';
import { wrapEventLog } from '@pulseplane/event-log/testing';
import type { ApiOptions } from '../api-options.ts';
import { ALL_POLICIES, createFixture, MERGE, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { listen } from '../testing/stream-client.ts';
import { watch } from '../testing/watch-client.ts';
import { StatusChanges } from './status-changes.ts';

const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

/** A listening API, with short ways to change policies; closed when the test ends. */
async function setUp(context: TestContext, given: Partial<ApiOptions> = {}) {
  const fixture = await createFixture(given);
  const url = await listen(fixture.app);
  context.after(() => fixture.app.close());
  const patch = (name: string, body: object) =>
    fixture.send('PATCH', `${POLICIES}/${name}`, body, { 'content-type': MERGE });
  return {
    ...fixture,
    url,
    create: async (name: string, labels: Record<string, string> = {}) => {
      await fixture.send('POST', POLICIES, { ...TCP_POLICY, metadata: { name, labels } });
    },
    label: (name: string, labels: Record<string, string | null>) => patch(name, { metadata: { labels } }),
    retry: (name: string, retries: number) => patch(name, { spec: { frontend: { tcp: { keepalive: { retries } } } } }),
    remove: (name: string) => fixture.send('DELETE', `${POLICIES}/${name}`),
    open: (query: string, headers: Record<string, string> = {}, path = POLICIES) =>
      watch(`${url}${path}?watch=true&${query}`, headers),
  };
}

describe('where a watch begins', () => {
  test('after a version: what happened since, then what happens', async (context) => {
    const { create, retry, remove, open } = await setUp(context);
    await create('a');
    await create('b');
    await retry('a', 5);
    const seen = await open('resourceVersion=3');
    assert.equal(seen.status, 200);
    assert.equal(seen.headers['content-type'], 'application/json');
    assert.match(seen.headers['x-request-id'] as string, /./);
    assert.deepEqual(await seen.take(2), ['ADDED b@4', 'MODIFIED a@5']);
    await remove('b');
    assert.deepEqual(await seen.take(1), ['DELETED b@6']);
  });

  test('without a version, or at 0: with the present objects', async (context) => {
    const { create, retry, open } = await setUp(context);
    await create('b');
    await create('a');
    for (const query of ['', 'resourceVersion=0', 'resourceVersion=']) {
      const seen = await open(query);
      const at = await seen.take(2);
      assert.deepEqual(
        at.map((line) => line.split('@')[0]),
        ['ADDED a', 'ADDED b'],
      );
      await retry('a', query.length + 4);
      assert.match((await seen.take(1))[0] ?? '', /^MODIFIED a@/);
      seen.leave();
    }
  });

  test('headers come at once, though nothing happens', async (context) => {
    const { open } = await setUp(context);
    assert.equal((await open('resourceVersion=2')).status, 200);
  });

  test('in one namespace or in all, and only with its kind', async (context) => {
    const { create, send, open } = await setUp(context);
    const here = await open('resourceVersion=2');
    const everywhere = await open('resourceVersion=2', {}, ALL_POLICIES);
    const namespaces = await open('resourceVersion=2', {}, '/api/v1/namespaces');
    await send('POST', POLICIES.replace('httpbin', 'default'), { ...TCP_POLICY, metadata: { name: 'x' } });
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
    await create('y');
    assert.deepEqual(await here.take(1), ['ADDED y@5']);
    assert.deepEqual(await everywhere.take(2), ['ADDED x@3', 'ADDED y@5']);
    assert.deepEqual(await namespaces.take(1), ['ADDED demo@4']);
  });

  test('a version above the head or below the floor is gone, in the stream', async (context) => {
    const memory = createMemoryEventLog();
    const { create, open } = await setUp(context, { log: wrapEventLog(memory, { floor: () => 4 }) });
    await create('a');
    await create('b');
    await create('c');
    const future = await open('resourceVersion=6');
    assert.equal(future.status, 200);
    assert.deepEqual(await future.rest(), ['ERROR 410 too large resource version: 6, current: 5']);
    assert.deepEqual(await (await open('resourceVersion=2')).rest(), ['ERROR 410 too old resource version: 2 (3)']);
    assert.deepEqual(await (await open('resourceVersion=3')).take(2), ['ADDED b@4', 'ADDED c@5']);
    const initial = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=9';
    assert.match((await (await open(initial)).rest())[0] ?? '', /^ERROR 410/);
  });

  test('an error in the stream is one that informers understand', async (context) => {
    const { open } = await setUp(context);
    assert.deepEqual(await (await open('resourceVersion=99', TABLE)).next(), {
      type: 'ERROR',
      object: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'too large resource version: 99, current: 2',
        reason: 'Expired',
        code: 410,
      },
    });
  });

  test('a watch that a compaction overtakes is told so', async (context) => {
    let floor = 1;
    const memory = createMemoryEventLog();
    const { create, open } = await setUp(context, { log: wrapEventLog(memory, { floor: () => floor }) });
    const seen = await open('resourceVersion=2');
    floor = 5;
    await create('a');
    assert.deepEqual(await seen.rest(), ['ERROR 410 too old resource version: 2 (4)']);
  });

  test('what cannot be understood is refused before the stream begins', async (context) => {
    const { send } = await setUp(context);
    const refused = [
      ['resourceVersion=abc', /^resourceVersion: Invalid value: "abc"/],
      ['resourceVersion=-1', /^resourceVersion: Invalid value/],
      ['timeoutSeconds=1.5', /^timeoutSeconds: Invalid value/],
      ['labelSelector=a%3D%3D%3D', /^unable to parse requirement: found '=', expected: identifier$/],
      ['fieldSelector=spec.x%3D1', /field label not supported/],
    ] as const;
    for (const [query, message] of refused) {
      const answer = await send('GET', `${POLICIES}?watch=1&${query}`);
      assert.equal(answer.statusCode, 400, query);
      assert.match(answer.json().message, message);
    }
    const options = [
      ['resourceVersionMatch=Exact', /is forbidden for watch unless sendInitialEvents/],
      ['sendInitialEvents=true', /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/],
    ] as const;
    for (const [query, message] of options) {
      const answer = await send('GET', `${POLICIES}?watch=1&${query}`);
      assert.equal(answer.statusCode, 422, query);
      assert.match(answer.json().message, message);
    }
  });

  test('a HEAD request gets the headers', async (context) => {
    const { send } = await setUp(context);
    assert.equal((await send('HEAD', `${POLICIES}?watch=true`)).statusCode, 200);
  });
});

describe('selectors', () => {
  test('an object enters and leaves with its labels', async (context) => {
    const { create, label, retry, remove, open } = await setUp(context);
    await create('a', { team: 'edge' });
    await create('b', { team: 'core' });
    const seen = await open('resourceVersion=2&labelSelector=team%3Dedge');
    await label('b', { team: 'edge' });
    await retry('b', 5);
    await label('a', { team: 'core' });
    await label('a', { team: 'other' });
    await remove('a');
    await remove('b');
    assert.deepEqual(await seen.take(3), ['ADDED a@3', 'ADDED b@5', 'MODIFIED b@6']);
    const left = await seen.next();
    assert.equal(left.type, 'DELETED');
    assert.equal(left.object.metadata.resourceVersion, '7');
    assert.deepEqual(left.object.metadata.labels, { team: 'edge' });
    assert.deepEqual(await seen.take(1), ['DELETED b@10']);
  });

  test('one object by its name', async (context) => {
    const { create, retry, open } = await setUp(context);
    await create('a');
    await create('b');
    const seen = await open('resourceVersion=0&fieldSelector=metadata.name%3Db');
    await retry('a', 5);
    await retry('b', 5);
    assert.deepEqual(await seen.take(2), ['ADDED b@4', 'MODIFIED b@6']);
  });
});

describe('forms', () => {
  test('objects have the status that they have now', async (context) => {
    const { create, open } = await setUp(context, { statusOf: () => ({ ancestors: [] }) });
    await create('a');
    assert.deepEqual((await (await open('')).next()).object.status, { ancestors: [] });
  });

  test('in Tables only the first event names the columns', async (context) => {
    const { create, open } = await setUp(context);
    const seen = await open('resourceVersion=2&allowWatchBookmarks=true', TABLE);
    await create('a');
    await create('b');
    const [first, second] = [await seen.next(), await seen.next()];
    assert.deepEqual(
      first.object.columnDefinitions?.map(({ name }) => name),
      ['Name', 'Accepted', 'Attached', 'Age'],
    );
    assert.equal(second.object.kind, 'Table');
    assert.equal(second.object.columnDefinitions, undefined);
    assert.equal(second.object.rows?.length, 1);
    assert.equal(second.object.rows[0]?.cells[0], 'b');
    assert.equal(second.object.rows[0]?.object.metadata.resourceVersion, '4');
  });

  test('bookmarks come when asked for, at the last version that was looked at', async (context) => {
    const { create, send, open } = await setUp(context, { streamLimits: { bookmarkMs: 50 } });
    await create('a');
    const seen = await open('resourceVersion=2&allowWatchBookmarks=true');
    const silent = await open('resourceVersion=3');
    assert.deepEqual(await seen.take(2), ['ADDED a@3', 'BOOKMARK @3']);
    // An event of another kind moves the bookmark on.
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
    let mark = await seen.next();
    while (mark.object.metadata.resourceVersion === '3') mark = await seen.next();
    assert.deepEqual(mark, {
      type: 'BOOKMARK',
      object: {
        kind: 'AgentgatewayPolicy',
        apiVersion: 'agentgateway.dev/v1alpha1',
        metadata: { resourceVersion: '4', creationTimestamp: null },
      },
    });
    await create('b');
    assert.deepEqual(await silent.take(1), ['ADDED b@5']);
  });

  test('a watch-list says when the present objects are all there', async (context) => {
    const { create, open } = await setUp(context);
    await create('a');
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const seen = await open(`${query}&resourceVersion=3`);
    assert.deepEqual(await seen.take(1), ['ADDED a@3']);
    const mark = await seen.next();
    assert.equal(mark.type, 'BOOKMARK');
    assert.equal(mark.object.metadata.resourceVersion, '3');
    assert.deepEqual(mark.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    await create('b');
    assert.deepEqual(await seen.take(1), ['ADDED b@4']);
    const without = await open('sendInitialEvents=false&resourceVersionMatch=NotOlderThan');
    await create('c');
    assert.deepEqual(await without.take(1), ['ADDED c@5']);
  });

  test('timeoutSeconds ends the watch', async (context) => {
    const { open } = await setUp(context);
    const begun = Date.now();
    assert.deepEqual(await (await open('resourceVersion=2&timeoutSeconds=1')).rest(), []);
    const lasted = Date.now() - begun;
    assert.ok(lasted >= 990 && lasted < 3_000, `${lasted} ms`);
  });

  test('a fault of the storage ends the watch with its name', async (context) => {
    let broken = false;
    const memory = createMemoryEventLog();
    const log = wrapEventLog(memory, {
      read: (range) => {
        if (broken) throw new StorageFault('unavailable', 'the disk is gone');
        return memory.read(range);
      },
    });
    const { create, open, errors } = await setUp(context, { log });
    const seen = await open('resourceVersion=2');
    broken = true;
    await create('a');
    assert.match((await seen.rest())[0] ?? '', /^ERROR 503 the event log is unavailable.*the disk is gone/);
    assert.equal(errors.length, 1);
  });
});

describe('a status that changes without an event of its object', () => {
  const ref = (name: string, namespace = 'httpbin') => ({
    group: 'agentgateway.dev',
    kind: 'AgentgatewayPolicy',
    namespace,
    name,
  });

  test('is told as MODIFIED at the version that the object has, to those who select it', async (context) => {
    const statusChanges = new StatusChanges();
    const conditions = { ancestors: [] as string[] };
    const { create, log, open } = await setUp(context, { statusChanges, statusOf: () => ({ ...conditions }) });
    await create('a', { app: 'a' });
    await create('b');
    const all = await open('resourceVersion=4');
    const selected = await open('resourceVersion=4&labelSelector=app%3Da');
    const elsewhere = await open('resourceVersion=4', {}, POLICIES.replace('httpbin', 'default'));
    conditions.ancestors.push('one');
    for (const name of ['b', 'gone', 'a']) statusChanges.changed(ref(name), log.head());
    statusChanges.changed({ ...ref('a'), kind: 'Gateway' }, log.head());
    assert.deepEqual(await all.take(2), ['MODIFIED b@4', 'MODIFIED a@3']);
    assert.deepEqual(await selected.take(1), ['MODIFIED a@3']);
    await create('c', { app: 'a' });
    assert.deepEqual(await all.take(1), ['ADDED c@5']);
    assert.deepEqual(await selected.take(1), ['ADDED c@5']);
    await create('d');
    assert.deepEqual(await all.take(1), ['ADDED d@6']);
    elsewhere.leave();
  });

  test('between a list and the watch that follows it is told, and one from before the list is not', async (context) => {
    const statusChanges = new StatusChanges();
    const { create, log, open } = await setUp(context, { statusChanges, statusOf: () => ({ ancestors: [] }) });
    await create('a');
    statusChanges.changed(ref('a'), log.head());
    await create('b');
    statusChanges.changed(ref('b'), log.head());
    const seen = await open('resourceVersion=4');
    assert.deepEqual(await seen.take(1), ['MODIFIED b@4']);
    await create('c');
    assert.deepEqual(await seen.take(1), ['ADDED c@5']);
  });
});
