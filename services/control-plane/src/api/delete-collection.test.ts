import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryEventLog, type EventLog, StorageFault } from '@pulseplane/event-log';
import { MAX_DELETED } from './limits.ts';
import { ALL_POLICIES, type ApiFixture, createFixture, POLICIES, TCP_POLICY } from './testing/api-fixture.ts';

async function create({ send }: ApiFixture, name: string, labels: Record<string, string> = {}): Promise<void> {
  const { statusCode } = await send('POST', POLICIES, { ...TCP_POLICY, metadata: { name, labels } });
  assert.equal(statusCode, 201);
}

async function names({ send }: ApiFixture): Promise<readonly string[]> {
  return namesOf((await send('GET', POLICIES)).json());
}

function namesOf({ items }: { readonly items: readonly { readonly metadata: { readonly name: string } }[] }) {
  return items.map(({ metadata }) => metadata.name);
}

async function withThree(log?: EventLog): Promise<ApiFixture> {
  const fixture = await createFixture(log === undefined ? {} : { log });
  await create(fixture, 'a', { team: 'red' });
  await create(fixture, 'b', { team: 'blue' });
  await create(fixture, 'c', { team: 'red' });
  return fixture;
}

describe('delete of a collection', () => {
  test('answers with the list of what was deleted, each with an event of its own under one request id', async () => {
    const fixture = await withThree();
    const head = fixture.log.head();
    const answer = await fixture.send('DELETE', POLICIES, { propagationPolicy: 'Foreground' });
    assert.equal(answer.statusCode, 200);
    const list = answer.json();
    assert.equal(list.kind, 'AgentgatewayPolicyList');
    assert.equal(list.apiVersion, 'agentgateway.dev/v1alpha1');
    assert.deepEqual(namesOf(list), ['a', 'b', 'c']);
    assert.equal(list.items[0].metadata.resourceVersion, String(head - 2));
    assert.equal(list.metadata.resourceVersion, String(head + 3));
    const events = fixture.log.read({ from: head + 1, limit: 10 });
    assert.deepEqual(
      events.map(({ type, subject, requestId }) => [type, subject.name, requestId]),
      ['a', 'b', 'c'].map((name) => ['Deleted', name, answer.headers['x-request-id']]),
    );
    assert.deepEqual(await names(fixture), []);
    const again = await fixture.send('DELETE', POLICIES);
    assert.deepEqual([again.statusCode, again.json().items], [200, []]);
  });

  test('deletes in the namespace only, and what the selectors select', async () => {
    const fixture = await withThree();
    const elsewhere = POLICIES.replace('httpbin', 'default');
    const other = { ...TCP_POLICY, metadata: { name: 'a', labels: { team: 'red' } } };
    assert.equal((await fixture.send('POST', elsewhere, other)).statusCode, 201);
    const red = await fixture.send('DELETE', `${POLICIES}?labelSelector=team%3Dred&fieldSelector=metadata.name!%3Dc`);
    assert.deepEqual(namesOf(red.json()), ['a']);
    assert.deepEqual(await names(fixture), ['b', 'c']);
    assert.deepEqual(namesOf((await fixture.send('GET', elsewhere)).json()), ['a']);
    assert.equal((await fixture.send('DELETE', `${POLICIES}?labelSelector=%3D%3D`)).statusCode, 400);
  });

  test('a dry run says what would be deleted', async () => {
    const fixture = await withThree();
    const head = fixture.log.head();
    for (const [url, body] of [
      [`${POLICIES}?dryRun=All`, undefined],
      [POLICIES, { dryRun: ['All'] }],
    ] as const) {
      assert.deepEqual(namesOf((await fixture.send('DELETE', url, body)).json()), ['a', 'b', 'c']);
    }
    assert.equal(fixture.log.head(), head);
  });

  test('what is meant for one object is refused', async () => {
    const fixture = await withThree();
    for (const [body, headers, message] of [
      [{ preconditions: { uid: 'x' } }, {}, /^preconditions\.uid: Invalid value: "x": is for one object/],
      [{ preconditions: { resourceVersion: '3' } }, {}, /^preconditions\.resourceVersion: Invalid value: "3"/],
      [undefined, { 'idempotency-key': 'k' }, /^Idempotency-Key: Invalid value: "k": is for a single change/],
    ] as const) {
      const answer = await fixture.send('DELETE', POLICIES, body, headers);
      assert.equal(answer.statusCode, 400);
      assert.match(answer.json().message, message);
    }
    assert.deepEqual(await names(fixture), ['a', 'b', 'c']);
  });

  test('namespaces, all namespaces at once and what is only shown have no deletion of many', async () => {
    const { send } = await createFixture();
    for (const path of ['/api/v1/namespaces', ALL_POLICIES, '/api/v1/namespaces/httpbin/pods']) {
      assert.equal((await send('DELETE', path)).statusCode, 405, path);
    }
  });

  test('too many are deleted in parts only', async () => {
    const fixture = await createFixture();
    for (let index = 0; index <= MAX_DELETED; index++) await create(fixture, `p-${index}`);
    const head = fixture.log.head();
    const refused = await fixture.send('DELETE', POLICIES);
    assert.equal(refused.statusCode, 400);
    assert.match(refused.json().message, /^limit: .*more than 500 objects are selected; .* with limit=500$/);
    const tooMuch = await fixture.send('DELETE', `${POLICIES}?limit=${MAX_DELETED + 1}`);
    assert.match(tooMuch.json().message, /^limit: Invalid value: 501: must be at most 500/);
    assert.equal(fixture.log.head(), head);
    const first = (await fixture.send('DELETE', `${POLICIES}?limit=${MAX_DELETED}`)).json();
    assert.equal(first.items.length, MAX_DELETED);
    const rest = (await fixture.send('DELETE', `${POLICIES}?continue=${first.metadata.continue}`)).json();
    assert.equal(rest.items.length, 1);
    assert.equal(rest.metadata.continue, '');
    assert.deepEqual(await names(fixture), []);
  });

  test('an object that another writer deletes or takes out of the selection meanwhile is left out', async () => {
    const log = createMemoryEventLog();
    const fixture = await withThree(log);
    await create(fixture, 'd', { team: 'red' });
    const append = log.append.bind(log);
    let raced = false;
    log.append = async (batch) => {
      if (!raced) {
        raced = true;
        await fixture.send('DELETE', `${POLICIES}/c`);
        const change = { metadata: { labels: { team: 'blue' } } };
        await fixture.send('PATCH', `${POLICIES}/d`, change, { 'content-type': 'application/merge-patch+json' });
      }
      return append(batch);
    };
    const answer = await fixture.send('DELETE', `${POLICIES}?labelSelector=team%3Dred`);
    assert.deepEqual([answer.statusCode, namesOf(answer.json())], [200, ['a']]);
    assert.deepEqual(await names(fixture), ['b', 'd']);
  });

  test('a storage that fails half way is not said to have changed nothing', async () => {
    const log = createMemoryEventLog();
    const fixture = await withThree(log);
    const append = log.append.bind(log);
    let appends = 0;
    log.append = (batch) => {
      appends += 1;
      return appends === 2 ? Promise.reject(new StorageFault('full', 'no space')) : append(batch);
    };
    const answer = await fixture.send('DELETE', POLICIES);
    assert.equal(answer.statusCode, 507);
    assert.match(answer.json().message, /the change may or may not have been made/);
    assert.deepEqual(await names(fixture), ['b', 'c']);
  });
});
