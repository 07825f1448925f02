import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { wrapEventLog } from '@pulseplane/event-log/testing';
import type { ApiOptions } from '../api-options.ts';
import { createFixture, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { listen, openStream } from '../testing/stream-client.ts';

async function setUp(context: TestContext, given: Partial<ApiOptions> = {}) {
  const fixture = await createFixture(given);
  const url = await listen(fixture.app);
  context.after(() => fixture.app.close());
  return {
    ...fixture,
    create: (name: string) => fixture.send('POST', POLICIES, { ...TCP_POLICY, metadata: { name } }),
    open: (query: string, headers: Record<string, string> = {}) =>
      openStream(`${url}/v1/events${query}`, { headers, separator: '\n\n' }),
  };
}

/** The id of a message. */
function id(message: string | undefined): string | undefined {
  return /^id: (\d+)$/m.exec(message ?? '')?.[1];
}

test('every event from a sequence number on, whole', async (context) => {
  const { open, create, log } = await setUp(context);
  await create('a');
  const stream = await open('?from=3');
  assert.equal(stream.status, 200);
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  const [head, event, data, ...rest] = (await stream.next())?.split('\n') ?? [];
  assert.deepEqual([head, event, rest], ['id: 3', 'event: Created', []]);
  const { schemaVersion: _, ...stored } = log.read({ from: 3, limit: 1 })[0] ?? {};
  assert.deepEqual(JSON.parse(data?.replace(/^data: /, '') ?? ''), stored);
  await create('b');
  assert.equal(id(await stream.next()), '4');
});

test('OpenAPI documents the fields of an event', async (context) => {
  const { open, create, send } = await setUp(context);
  await create('a');
  await send('DELETE', `${POLICIES}/a`);
  await send('POST', `${POLICIES}/a/undelete`);
  const stream = await open('?from=4');
  const fields = async () => {
    const [, data = ''] = /^data: (.*)$/m.exec((await stream.next()) ?? '') ?? [];
    return Object.keys(JSON.parse(data)).sort();
  };
  const { paths, components } = (await send('GET', '/openapi/v3/v1')).json();
  const { $ref } = paths['/v1/events'].get.responses[200].content['text/event-stream'].schema;
  const { properties, required } = components.schemas[$ref.split('/').at(-1)];
  assert.deepEqual(await fields(), required.sort());
  assert.deepEqual(await fields(), Object.keys(properties).sort(), 'the undeleted one has restoredFrom');
});

test('without `from` it begins at the head', async (context) => {
  const { open, create } = await setUp(context);
  await create('a');
  const stream = await open('');
  await create('b');
  assert.equal(id(await stream.next()), '4');
});

test('Last-Event-ID resumes after it, and counts for more than `from`', async (context) => {
  const { open, create } = await setUp(context);
  await create('a');
  await create('b');
  const stream = await open('?from=1', { 'last-event-id': '3' });
  assert.equal(id(await stream.next()), '4');
});

test('below the floor or above the end it is gone; what is no number is refused', async (context) => {
  const log = wrapEventLog(createMemoryEventLog(), { floor: () => 2 });
  const { send } = await setUp(context, { log });
  const cases = [
    ['?from=1', {}, 410, 'event 1 is gone: the log begins at 2'],
    ['?from=4', {}, 410, 'event 4 is not there yet: the log ends at 2'],
    ['', { 'last-event-id': '0' }, 410, 'event 1 is gone: the log begins at 2'],
    ['?from=0', {}, 400, 'from: Invalid value: 0: must be at least 1, the number of the first event'],
    ['?from=x', {}, 400, 'from: Invalid value: "x": must be a number'],
    ['', { 'last-event-id': 'x' }, 400, 'last-event-id: Invalid value: "x": must be a number'],
    ['?kind=a&kind=b', {}, 400, 'kind: may be given once'],
  ] as const;
  for (const [query, headers, code, message] of cases) {
    const answer = await send('GET', `/v1/events${query}`, undefined, headers);
    assert.deepEqual([answer.statusCode, answer.json().message], [code, message]);
  }
});

test('filters leave events out, and heartbeats carry on the id', async (context) => {
  const { open, create, send } = await setUp(context, { streamLimits: { heartbeatMs: 50 } });
  const stream = await open('?from=1&kind=AgentgatewayPolicy&namespace=httpbin&name=b');
  await create('a');
  await create('b');
  let message = await stream.next();
  while (message?.startsWith(': heartbeat')) message = await stream.next();
  assert.equal(id(message), '4');
  await send('DELETE', `${POLICIES}/a`);
  message = await stream.next();
  while (id(message) === '4') message = await stream.next();
  assert.equal(message, ': heartbeat\nid: 5');
});

test('a stream that a compaction overtakes is told so', async (context) => {
  let floor = 1;
  const log = wrapEventLog(createMemoryEventLog(), { floor: () => floor });
  const { open, create } = await setUp(context, { log });
  const stream = await open('?from=3');
  floor = 9;
  await create('a');
  assert.match((await stream.next()) ?? '', /^event: Status\ndata: .*"reason":"Expired".*"code":410/);
  assert.equal(await stream.next(), undefined);
});
