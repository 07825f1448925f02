import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import {
  type ApiFixture,
  createFixture,
  JSON_PATCH,
  MERGE,
  POLICIES,
  POLICY,
  TCP_POLICY,
} from './testing/api-fixture.ts';
import { closeLogs, EVENT_LOGS } from './testing/event-logs.ts';

afterEach(closeLogs);

const HOLD = 'example.com/hold';
const NAMESPACE_PATH = '/api/v1/namespaces/httpbin';
const APPLY = 'application/apply-patch+yaml';

const held = (name = 'httpbin-keepalive') => ({
  ...TCP_POLICY,
  metadata: { name, namespace: 'httpbin', finalizers: [HOLD] },
});

async function create({ send }: ApiFixture, object: object = held()): Promise<LightMyRequestResponse> {
  const answer = await send('POST', POLICIES, object);
  assert.equal(answer.statusCode, 201, answer.body);
  return answer;
}

const release = ({ send }: ApiFixture, path = POLICY) =>
  send('PATCH', path, { metadata: { finalizers: null } }, { 'content-type': MERGE });

for (const { name, open } of EVENT_LOGS) {
  describe(`finalizers on a log in ${name}`, () => {
    test('a deletion marks the object, and the removal of the last finalizer ends it, with one event each', async () => {
      const fixture = await createFixture({ log: open() });
      const created = (await create(fixture)).json();
      const deleted = await fixture.send('DELETE', POLICY);
      assert.equal(deleted.statusCode, 200);
      const object = deleted.json();
      assert.equal(object.kind, 'AgentgatewayPolicy');
      assert.equal(object.metadata.deletionTimestamp, '2026-11-22T10:20:30Z');
      assert.equal(object.metadata.deletionGracePeriodSeconds, 0);
      assert.equal(object.metadata.generation, 2);
      assert.deepEqual(object.metadata.managedFields, created.metadata.managedFields);
      assert.deepEqual((await fixture.send('GET', POLICY)).json(), object);
      const again = await fixture.send('DELETE', POLICY);
      assert.deepEqual([again.statusCode, again.json()], [200, object]);

      const released = await release(fixture);
      assert.equal(released.statusCode, 200);
      assert.equal(released.json().metadata.finalizers, undefined);
      assert.equal((await fixture.send('GET', POLICY)).statusCode, 404);
      assert.deepEqual(
        fixture.log.read({ from: 3, limit: 9 }).map(({ type }) => type),
        ['Created', 'MetadataChanged', 'Deleted'],
      );
    });

    test('a namespace that holds a held object ends with it', async () => {
      const fixture = await createFixture({ log: open() });
      await create(fixture);
      await create(fixture, { ...TCP_POLICY, metadata: { name: 'free', namespace: 'httpbin' } });
      const deleted = await fixture.send('DELETE', NAMESPACE_PATH);
      assert.deepEqual([deleted.statusCode, deleted.json().kind], [200, 'Namespace']);
      assert.equal((await fixture.send('GET', `${POLICIES}/free`)).statusCode, 404);
      const refused = await fixture.send('POST', POLICIES, TCP_POLICY);
      assert.equal(refused.statusCode, 403);
      assert.deepEqual(refused.json(), {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message:
          'agentgatewaypolicies.agentgateway.dev "httpbin-keepalive" is forbidden: unable to create new content in namespace httpbin because it is being terminated',
        reason: 'Forbidden',
        details: {
          name: 'httpbin-keepalive',
          group: 'agentgateway.dev',
          kind: 'agentgatewaypolicies',
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: 'namespace httpbin is being terminated',
              field: 'metadata.namespace',
            },
          ],
        },
        code: 403,
      });
      assert.equal((await release(fixture)).statusCode, 200);
      assert.equal((await fixture.send('GET', NAMESPACE_PATH)).statusCode, 404);
      const events = fixture.log.read({ from: fixture.log.head() - 1, limit: 9 });
      assert.deepEqual(
        events.map(({ type, subject }) => `${type} ${subject.kind}`),
        ['Deleted AgentgatewayPolicy', 'Deleted Namespace'],
      );
      assert.equal(events[0]?.requestId, events[1]?.requestId);
    });

    test('of objects that leave a namespace at the same moment, one takes it along', async () => {
      const fixture = await createFixture({ log: open() });
      const names = ['a', 'b', 'c', 'd'];
      for (const each of names) await create(fixture, held(each));
      await fixture.send('DELETE', NAMESPACE_PATH);
      const answers = await Promise.all(names.map((each) => release(fixture, `${POLICIES}/${each}`)));
      assert.deepEqual(
        answers.map(({ statusCode }) => statusCode),
        [200, 200, 200, 200],
      );
      assert.equal((await fixture.send('GET', NAMESPACE_PATH)).statusCode, 404);
      assert.deepEqual(fixture.log.objects({ namespace: 'httpbin' }), []);
    });
  });
}

describe('the last finalizer goes', () => {
  const WAYS: readonly (readonly [string, (fixture: ApiFixture) => Promise<LightMyRequestResponse>])[] = [
    ['with a merge patch', release],
    [
      'with a JSON patch',
      ({ send }) =>
        send('PATCH', POLICY, [{ op: 'remove', path: '/metadata/finalizers' }], { 'content-type': JSON_PATCH }),
    ],
    [
      'with an update',
      async ({ send }) => {
        const { metadata, ...rest } = (await send('GET', POLICY)).json();
        return send('PUT', POLICY, { ...rest, metadata: { ...metadata, finalizers: [] } });
      },
    ],
    [
      'with an apply by who had applied it',
      ({ send }) => send('PATCH', `${POLICY}?fieldManager=owner`, TCP_POLICY, { 'content-type': APPLY }),
    ],
  ];
  for (const [way, remove] of WAYS) {
    test(way, async () => {
      const fixture = await createFixture();
      const applied = await fixture.send('PATCH', `${POLICY}?fieldManager=owner`, held(), { 'content-type': APPLY });
      assert.equal(applied.statusCode, 201, applied.body);
      await fixture.send('DELETE', POLICY);
      const answer = await remove(fixture);
      assert.equal(answer.statusCode, 200, answer.body);
      assert.equal(answer.json().metadata.finalizers, undefined);
      assert.equal((await fixture.send('GET', POLICY)).statusCode, 404);
    });
  }

  test('in a dry run, and nothing happens', async () => {
    const fixture = await createFixture();
    await create(fixture);
    const dry = await fixture.send('DELETE', `${POLICY}?dryRun=All`);
    assert.equal(dry.json().metadata.deletionTimestamp, '2026-11-22T10:20:30Z');
    assert.equal((await fixture.send('GET', POLICY)).json().metadata.deletionTimestamp, undefined);
    await fixture.send('DELETE', POLICY);
    const released = await fixture.send(
      'PATCH',
      `${POLICY}?dryRun=All`,
      { metadata: { finalizers: [] } },
      { 'content-type': MERGE },
    );
    assert.equal(released.statusCode, 200);
    assert.deepEqual((await fixture.send('GET', POLICY)).json().metadata.finalizers, [HOLD]);
  });

  test('once for a request that is sent again with its key', async () => {
    const fixture = await createFixture();
    await create(fixture);
    await fixture.send('DELETE', POLICY);
    const send = () =>
      fixture.send(
        'PATCH',
        POLICY,
        { metadata: { finalizers: null } },
        { 'content-type': MERGE, 'idempotency-key': 'k' },
      );
    const first = await send();
    const head = fixture.log.head();
    const again = await send();
    assert.deepEqual([again.statusCode, again.json()], [first.statusCode, first.json()]);
    assert.equal(fixture.log.head(), head);
  });
});

test('an object on its way out gets no new finalizers, and its name is taken', async () => {
  const fixture = await createFixture();
  await create(fixture);
  await fixture.send('DELETE', POLICY);
  const added = await fixture.send(
    'PATCH',
    POLICY,
    { metadata: { finalizers: [HOLD, 'b/c', 'a/b'] } },
    { 'content-type': MERGE },
  );
  assert.equal(added.statusCode, 422);
  assert.deepEqual(added.json().details.causes, [
    {
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b", "b/c"}',
      field: 'metadata.finalizers',
    },
  ]);
  const taken = await fixture.send('POST', POLICIES, TCP_POLICY);
  assert.equal(taken.statusCode, 409);
  assert.equal(
    taken.json().message,
    'object is being deleted: agentgatewaypolicies.agentgateway.dev "httpbin-keepalive" already exists',
  );
});

test('a watch hears that an object is on its way out, and then that it is gone', async () => {
  const fixture = await createFixture();
  await create(fixture);
  await fixture.send('DELETE', POLICY);
  await release(fixture);
  const watch = await fixture.send('GET', `${POLICIES}?watch=true&resourceVersion=2&timeoutSeconds=1`);
  const lines = watch.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ type, object }) => [type, object.metadata.deletionTimestamp !== undefined]),
    [
      ['ADDED', false],
      ['MODIFIED', true],
      ['DELETED', true],
    ],
  );
});

test('the deletion of a collection marks what is held', async () => {
  const fixture = await createFixture();
  await create(fixture, held('a'));
  await create(fixture, { ...TCP_POLICY, metadata: { name: 'b', namespace: 'httpbin' } });
  const answer = await fixture.send('DELETE', POLICIES);
  assert.equal(answer.json().items.length, 2);
  const left = (await fixture.send('GET', POLICIES)).json().items;
  assert.deepEqual(
    left.map(({ metadata }: { metadata: Record<string, unknown> }) => [
      metadata['name'],
      metadata['deletionTimestamp'],
    ]),
    [['a', '2026-11-22T10:20:30Z']],
  );
});

test('an undeletion brings an object back that nothing holds', async () => {
  const fixture = await createFixture();
  await create(fixture);
  await fixture.send('DELETE', POLICY);
  await release(fixture);
  const back = await fixture.send('POST', `${POLICY}/undelete`);
  assert.equal(back.statusCode, 201, back.body);
  const { finalizers, deletionTimestamp, generation } = back.json().metadata;
  assert.deepEqual([finalizers, deletionTimestamp, generation], [undefined, undefined, 1]);
  const history = (await fixture.send('GET', `${POLICY}/history`)).json();
  assert.deepEqual(history.items[2].diff, ['+ metadata.deletionTimestamp: 2026-11-22T10:20:30Z']);
});

describe('options of a deletion', () => {
  const CASES: readonly (readonly [string, string, unknown, number, RegExp])[] = [
    ['Foreground', '', { propagationPolicy: 'Foreground' }, 200, /"status":"Success"/],
    ['Orphan in the query', '?propagationPolicy=Orphan&gracePeriodSeconds=0', undefined, 200, /"status":"Success"/],
    ['a grace period', '', { gracePeriodSeconds: -1 }, 200, /"status":"Success"/],
    [
      'an unknown policy',
      '',
      { propagationPolicy: 'Never' },
      422,
      /DeleteOptions\.meta\.k8s\.io \\"\\" is invalid: propagationPolicy: Unsupported value: \\"Never\\": supported values: \\"Foreground\\", \\"Background\\", \\"Orphan\\", \\"nil\\"/,
    ],
    [
      'both forms',
      '',
      { propagationPolicy: 'Orphan', orphanDependents: true },
      422,
      /propagationPolicy: Invalid value: \\"Orphan\\": orphanDependents and deletionPropagation cannot be both set/,
    ],
    [
      'an unknown dry run',
      '?dryRun=Some',
      undefined,
      422,
      /dryRun: Unsupported value: \[\]string\{\\"Some\\"\}: supported values: \\"All\\"/,
    ],
    ['an unknown policy in the query', '?propagationPolicy=x', undefined, 422, /propagationPolicy: Unsupported value/],
    [
      'a grace period that is none',
      '?gracePeriodSeconds=soon',
      undefined,
      400,
      /gracePeriodSeconds: Invalid value: \\"soon\\"/,
    ],
    [
      'a grace period of half a second',
      '',
      { gracePeriodSeconds: 0.5 },
      400,
      /gracePeriodSeconds: Invalid value: 0\.5/,
    ],
    ['orphans that are none', '', { orphanDependents: 'yes' }, 400, /orphanDependents: Invalid value: \\"yes\\"/],
    [
      'preconditions that are none',
      '',
      { preconditions: 1 },
      400,
      /preconditions: Invalid value: 1: must be an object/,
    ],
    ['a uid that is none', '', { preconditions: { uid: 1 } }, 400, /preconditions\.uid: Invalid value: 1/],
  ];
  for (const [name, query, body, code, expected] of CASES) {
    test(name, async () => {
      const { send } = await createFixture();
      await send('POST', POLICIES, TCP_POLICY);
      const answer = await send('DELETE', POLICY + query, body);
      assert.equal(answer.statusCode, code, answer.body);
      assert.match(answer.body, expected);
      assert.equal((await send('GET', POLICY)).statusCode, code === 200 ? 404 : 200);
    });
  }

  test('orphanDependents=false of an object that stays is 202, as in Kubernetes', async () => {
    const fixture = await createFixture();
    await create(fixture);
    assert.equal((await fixture.send('DELETE', POLICY, { orphanDependents: false })).statusCode, 202);
  });
});

test('the controller of a GatewayClass cannot be changed, in no way', async () => {
  const { send } = await createFixture();
  const path = '/apis/gateway.networking.k8s.io/v1/gatewayclasses';
  const ofController = (controllerName: string) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'a' },
    spec: { controllerName },
  });
  const created = (await send('POST', path, ofController('example.com/a'))).json();
  const changed = ofController('example.com/b');
  const { resourceVersion } = created.metadata;
  const answers = [
    await send('PUT', `${path}/a`, { ...changed, metadata: { name: 'a', resourceVersion } }),
    await send('PATCH', `${path}/a`, { spec: changed.spec }, { 'content-type': MERGE }),
    await send('PATCH', `${path}/a?fieldManager=m&force=true`, changed, { 'content-type': APPLY }),
    await send('POST', '/v1/preview', changed),
  ];
  for (const answer of answers) {
    assert.equal(answer.statusCode, 422, answer.body);
    assert.match(answer.body, /Invalid value: \\"string\\": Value is immutable/);
  }
  assert.equal((await send('GET', `${path}/a`)).json().spec.controllerName, 'example.com/a');
  await send('DELETE', `${path}/a`);
  assert.equal((await send('POST', path, changed)).statusCode, 201);
  const back = await send('POST', `${path}/a/rollback?to=${resourceVersion}`);
  assert.equal(back.statusCode, 422, back.body);
});
