import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ALL_POLICIES,
  createFixture,
  HTTP_POLICY,
  JSON_PATCH,
  MERGE,
  POLICIES,
  POLICY,
  TCP_POLICY,
} from './testing/api-fixture.ts';

describe('create', () => {
  test('answers 201 with the object as it is read afterwards', async () => {
    const { send, log } = await createFixture({ statusOf: () => ({ ancestors: [] }) });
    const created = await send('POST', POLICIES, TCP_POLICY);
    assert.equal(created.statusCode, 201);
    const object = created.json();
    assert.match(object.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(object, {
      ...TCP_POLICY,
      metadata: {
        ...TCP_POLICY.metadata,
        uid: object.metadata.uid,
        creationTimestamp: '2026-11-22T10:20:30Z',
        generation: 1,
        resourceVersion: '3',
        managedFields: object.metadata.managedFields,
      },
      status: { ancestors: [] },
    });
    assert.deepEqual((await send('GET', POLICY)).json(), object);
    const stored = log.read({ from: 3, limit: 1 })[0]?.object;
    assert.equal(stored?.metadata.resourceVersion, undefined);
    assert.equal(stored?.status, undefined);
  });

  test('takes YAML', async () => {
    const { send } = await createFixture();
    const yaml = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n';
    const created = await send('POST', '/api/v1/namespaces', yaml, { 'content-type': 'application/yaml' });
    assert.equal(created.statusCode, 201);
    assert.deepEqual(created.json().status, { phase: 'Active' });
  });

  test('fills in the namespace of the path and makes a name of generateName', async () => {
    const { send } = await createFixture();
    const created = await send('POST', POLICIES, { ...TCP_POLICY, metadata: { generateName: 'a-' } });
    assert.equal(created.statusCode, 201);
    assert.match(created.json().metadata.name, /^a-[0-9a-z]{14}$/);
    assert.equal(created.json().metadata.namespace, 'httpbin');
  });

  test('refuses what exists, and a namespace that does not', async () => {
    const { send, log } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const again = await send('POST', POLICIES, TCP_POLICY);
    assert.equal(again.statusCode, 409);
    assert.equal(again.json().reason, 'AlreadyExists');
    assert.equal(again.json().message, 'agentgatewaypolicies.agentgateway.dev "httpbin-keepalive" already exists');
    const lost = await send('POST', POLICIES.replace('httpbin', 'nope'), {
      ...TCP_POLICY,
      metadata: { name: 'x' },
    });
    assert.deepEqual(lost.json(), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'namespaces "nope" not found',
      reason: 'NotFound',
      details: { name: 'nope', kind: 'namespaces' },
      code: 404,
    });
    assert.equal(log.head(), 3);
  });

  test('as a dry run it shows uid and time, but no resourceVersion, and stores nothing', async () => {
    const { send, log } = await createFixture();
    const created = await send('POST', `${POLICIES}?dryRun=All`, TCP_POLICY);
    assert.equal(created.statusCode, 201);
    const { uid, creationTimestamp, resourceVersion } = created.json().metadata;
    assert.ok(uid && creationTimestamp);
    assert.equal(resourceVersion, undefined);
    assert.equal(log.head(), 2);
    assert.equal((await send('POST', `${POLICIES}?dryRun=Some`, TCP_POLICY)).statusCode, 422);
  });

  test('the place in the URL and the object must agree', async () => {
    const { send } = await createFixture();
    const cases = [
      [
        { ...TCP_POLICY, kind: 'Gateway' },
        'the kind in the data (Gateway) does not match the expected kind (AgentgatewayPolicy)',
      ],
      [
        { ...TCP_POLICY, apiVersion: 'v2' },
        'the API version in the data (v2) does not match the expected API version (agentgateway.dev/v1alpha1)',
      ],
      [{ ...TCP_POLICY, kind: undefined }, "Object 'Kind' is missing in the body"],
      [
        { ...TCP_POLICY, metadata: { name: 'x', namespace: 'default' } },
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
    ] as const;
    for (const [body, message] of cases) {
      const answer = await send('POST', POLICIES, body);
      assert.equal(answer.statusCode, 400);
      assert.equal(answer.json().message, message);
    }
  });
});

test('an object of a kind that Kubernetes has itself may leave its type to the path', async () => {
  const { send } = await createFixture();
  const created = await send('POST', '/api/v1/namespaces', { metadata: { name: 'untyped' } });
  assert.deepEqual([created.statusCode, created.json().kind], [201, 'Namespace']);
  const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
  const answered = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body);
  assert.deepEqual([answered.statusCode, answered.json().status.allowed], [201, true]);
  const other = await send('POST', '/api/v1/namespaces', { kind: 'Pod', metadata: { name: 'other' } });
  assert.equal(other.json().message, 'the kind in the data (Pod) does not match the expected kind (Namespace)');
});

describe('read', () => {
  test('a missing object is 404 and named', async () => {
    const { send } = await createFixture();
    const answer = await send('GET', POLICY);
    assert.equal(answer.statusCode, 404);
    assert.equal(answer.json().message, 'agentgatewaypolicies.agentgateway.dev "httpbin-keepalive" not found');
    assert.deepEqual(answer.json().details, {
      name: 'httpbin-keepalive',
      group: 'agentgateway.dev',
      kind: 'agentgatewaypolicies',
    });
  });

  test('the status path answers with the object', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    assert.deepEqual((await send('GET', `${POLICY}/status`)).json(), (await send('GET', POLICY)).json());
  });

  test('a list has apiVersion and kind on each item, and the head of the log', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    for (const url of [POLICIES, ALL_POLICIES]) {
      const list = (await send('GET', `${url}?limit=500`)).json();
      assert.equal(list.kind, 'AgentgatewayPolicyList');
      assert.equal(list.apiVersion, 'agentgateway.dev/v1alpha1');
      assert.deepEqual(list.metadata, { resourceVersion: '3' });
      assert.deepEqual(
        list.items.map((item: { kind: string }) => item.kind),
        ['AgentgatewayPolicy'],
      );
    }
  });

  test('a list in a namespace that does not exist is empty', async () => {
    const { send } = await createFixture();
    const list = await send('GET', POLICIES.replace('httpbin', 'nope'));
    assert.equal(list.statusCode, 200);
    assert.deepEqual(list.json().items, []);
  });

  test('lists are narrowed by selectors', async () => {
    const { send } = await createFixture();
    const names = async (query: string) => {
      const answer = await send('GET', `/api/v1/namespaces?${query}`);
      return answer.json().items.map((item: { metadata: { name: string } }) => item.metadata.name);
    };
    assert.deepEqual(await names('fieldSelector=metadata.name%3Dhttpbin'), ['httpbin']);
    assert.deepEqual(await names('fieldSelector=metadata.name!%3Dhttpbin'), ['default']);
    assert.deepEqual(await names('labelSelector=kubernetes.io/metadata.name%3Ddefault'), ['default']);
    const refused = await send('GET', '/api/v1/namespaces?fieldSelector=spec.x%3D1');
    assert.equal(refused.statusCode, 400);
    assert.equal(refused.json().message, 'field label not supported: spec.x');
  });
});

describe('replace', () => {
  test('needs the resourceVersion that the object has', async () => {
    const { send } = await createFixture();
    const object = (await send('POST', POLICIES, TCP_POLICY)).json();
    const blind = await send('PUT', POLICY, TCP_POLICY);
    assert.equal(blind.statusCode, 422);
    assert.equal(blind.json().details.causes[0].field, 'metadata.resourceVersion');
    assert.match(blind.json().message, /must be specified for an update/);
    const stale = await send('PUT', POLICY, { ...object, metadata: { ...object.metadata, resourceVersion: '1' } });
    assert.equal(stale.statusCode, 409);
    assert.equal(
      stale.json().message,
      'Operation cannot be fulfilled on agentgatewaypolicies.agentgateway.dev "httpbin-keepalive": the object has been modified; please apply your changes to the latest version and try again',
    );
    const replaced = await send('PUT', POLICY, { ...object, spec: HTTP_POLICY.spec });
    assert.equal(replaced.statusCode, 200);
    assert.equal(replaced.json().metadata.generation, 2);
    assert.equal(replaced.json().metadata.resourceVersion, '4');
    assert.equal(replaced.json().metadata.uid, object.metadata.uid);
  });

  test('a missing object is 404 and is not created', async () => {
    const { send } = await createFixture();
    assert.equal((await send('PUT', POLICY, TCP_POLICY)).statusCode, 404);
  });

  test('another name than that of the URL is refused', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const answer = await send('PUT', POLICY, { ...TCP_POLICY, metadata: { name: 'other' } });
    assert.equal(
      answer.json().message,
      'the name of the object (other) does not match the name on the URL (httpbin-keepalive)',
    );
  });

  test('the status in the body is ignored', async () => {
    const { send, log } = await createFixture();
    const object = (await send('POST', POLICIES, TCP_POLICY)).json();
    const answer = await send('PUT', POLICY, { ...object, status: { ancestors: 'mine' } });
    assert.equal(answer.statusCode, 200);
    assert.equal(log.head(), 3);
  });
});

describe('patch', () => {
  test('a merge patch adds and removes fields', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const patch = { spec: { frontend: { tcp: null, ...HTTP_POLICY.spec.frontend } } };
    const answer = await send('PATCH', POLICY, patch, { 'content-type': MERGE });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(answer.json().spec, HTTP_POLICY.spec);
  });

  test('a JSON patch, and one whose test fails', async () => {
    const { send, log } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const path = '/spec/frontend/tcp/keepalive/retries';
    const good = await send('PATCH', POLICY, [{ op: 'replace', path, value: 5 }], { 'content-type': JSON_PATCH });
    assert.equal(good.json().spec.frontend.tcp.keepalive.retries, 5);
    const failed = await send('PATCH', POLICY, [{ op: 'test', path, value: 6 }], { 'content-type': JSON_PATCH });
    assert.equal(failed.statusCode, 422);
    assert.match(failed.json().message, /operation 0/);
    const lost = await send('PATCH', POLICY, [{ op: 'remove', path: '/spec/no' }], { 'content-type': JSON_PATCH });
    assert.equal(lost.statusCode, 422);
    assert.equal(log.head(), 4);
  });

  test('a JSON patch copies and moves', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const keepalive = '/spec/frontend/tcp/keepalive';
    const answer = await send(
      'PATCH',
      POLICY,
      [
        { op: 'copy', from: `${keepalive}/time`, path: `${keepalive}/interval` },
        { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
        { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/example.com~1c' },
      ],
      { 'content-type': JSON_PATCH },
    );
    assert.deepEqual(answer.json().spec.frontend.tcp.keepalive, { retries: 3, time: '30s', interval: '30s' });
    assert.deepEqual(answer.json().metadata.labels, { 'example.com/c': 'b' });
    for (const operation of [
      { op: 'copy', from: '/spec/no', path: '/spec/x' },
      { op: 'copy', from: '/constructor', path: '/spec/x' },
      { op: 'move', from: '/spec', path: '/spec/x' },
      { op: 'move', path: '/spec/x' },
    ]) {
      assert.equal((await send('PATCH', POLICY, [operation], { 'content-type': JSON_PATCH })).statusCode, 422);
    }
  });

  test('a patch that changes nothing keeps the resourceVersion and is no event', async () => {
    const { send, log } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const answer = await send('PATCH', POLICY, { spec: TCP_POLICY.spec }, { 'content-type': MERGE });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.json().metadata.resourceVersion, '3');
    assert.equal(log.head(), 3);
  });

  test('a resourceVersion in the patch is a precondition', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const patch = (resourceVersion: string) =>
      send('PATCH', POLICY, { metadata: { resourceVersion, labels: { a: 'b' } } }, { 'content-type': MERGE });
    assert.equal((await patch('2')).statusCode, 409);
    assert.equal((await patch('3')).statusCode, 200);
  });

  test('a dry run shows the next generation with the old resourceVersion', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const patch = { spec: { frontend: { tcp: { keepalive: { retries: 9 } } } } };
    const answer = await send('PATCH', `${POLICY}?dryRun=All`, patch, { 'content-type': MERGE });
    assert.deepEqual(
      [
        answer.json().metadata.generation,
        answer.json().metadata.resourceVersion,
        answer.json().spec.frontend.tcp.keepalive.retries,
      ],
      [2, '3', 9],
    );
    assert.equal((await send('GET', POLICY)).json().spec.frontend.tcp.keepalive.retries, 3);
  });

  test('other types are refused with the types that are taken', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const strategic = 'application/strategic-merge-patch+json';
    const refused = await send('PATCH', POLICY, {}, { 'content-type': strategic });
    assert.equal(refused.statusCode, 415);
    assert.match(
      refused.json().message,
      /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/,
    );
    const labels = { $patch: 'merge', metadata: { labels: { a: 'b' } } };
    const namespace = await send('PATCH', '/api/v1/namespaces/httpbin', labels, { 'content-type': strategic });
    assert.equal(namespace.statusCode, 200);
    assert.equal(namespace.json().metadata.labels.a, 'b');
  });
});

describe('delete', () => {
  test('answers with Status Success, the plural and the uid', async () => {
    const { send } = await createFixture();
    const { uid } = (await send('POST', POLICIES, TCP_POLICY)).json().metadata;
    const answer = await send('DELETE', POLICY, { propagationPolicy: 'Background' });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.json().status, 'Success');
    assert.deepEqual(answer.json().details, {
      name: 'httpbin-keepalive',
      group: 'agentgateway.dev',
      kind: 'agentgatewaypolicies',
      uid,
    });
    assert.equal((await send('GET', POLICY)).statusCode, 404);
    assert.equal((await send('DELETE', POLICY)).statusCode, 404);
  });

  test('preconditions and dry runs delete nothing', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
      const answer = await send('DELETE', POLICY, { preconditions });
      assert.equal(answer.statusCode, 409);
      assert.match(
        answer.json().message,
        /the (UID|ResourceVersion) in the precondition \((other|1)\) does not match the \1 in record/,
      );
    }
    assert.equal((await send('DELETE', POLICY, { dryRun: ['All'] })).statusCode, 200);
    assert.equal((await send('DELETE', `${POLICY}?dryRun=All`)).statusCode, 200);
    assert.equal((await send('GET', POLICY)).statusCode, 200);
  });

  test('a namespace goes with what is in it', async () => {
    const { send, log } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    assert.equal((await send('DELETE', '/api/v1/namespaces/httpbin')).statusCode, 200);
    assert.equal((await send('GET', POLICY)).statusCode, 404);
    assert.equal(log.head(), 5);
    const refused = await send('DELETE', '/api/v1/namespaces/default');
    assert.equal(refused.statusCode, 403);
    assert.equal(refused.json().message, 'namespaces "default" is forbidden: this namespace may not be deleted');
  });
});

describe('fieldValidation', () => {
  const wrong = { ...TCP_POLICY, spec: { ...TCP_POLICY.spec, frontend: { tcp: { keepalive: { retrys: 3 } } } } };
  const field = 'unknown field "spec.frontend.tcp.keepalive.retrys"';

  test('Strict refuses an unknown field', async () => {
    const { send, log } = await createFixture();
    const answer = await send('POST', `${POLICIES}?fieldValidation=Strict`, wrong);
    assert.equal(answer.statusCode, 400);
    assert.equal(
      answer.json().message,
      `AgentgatewayPolicy in version "v1alpha1" cannot be handled as a AgentgatewayPolicy: strict decoding error: ${field}`,
    );
    assert.equal(log.head(), 2);
  });

  test('Strict refuses it in a patch with the patched object quoted', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const answer = await send(
      'PATCH',
      `${POLICY}?fieldValidation=Strict`,
      { spec: wrong.spec },
      { 'content-type': MERGE },
    );
    assert.equal(answer.statusCode, 422);
    const [cause] = answer.json().details.causes;
    assert.equal(cause.field, 'patch');
    assert.ok(
      cause.message.startsWith('Invalid value: "{') && cause.message.endsWith(`strict decoding error: ${field}`),
    );
  });

  test('Strict is the default', async () => {
    const { send } = await createFixture();
    assert.equal((await send('POST', POLICIES, wrong)).statusCode, 400);
    assert.equal((await send('GET', POLICIES)).json().items.length, 0);
  });

  test('Warn prunes it and warns', async () => {
    const { send } = await createFixture();
    const answer = await send('POST', `${POLICIES}?fieldValidation=Warn`, wrong);
    assert.equal(answer.statusCode, 201);
    assert.deepEqual(answer.headers['warning'], [`299 - ${JSON.stringify(field)}`]);
    assert.deepEqual(answer.json().spec.frontend.tcp.keepalive, {});
  });

  test('Ignore prunes it', async () => {
    const { send } = await createFixture();
    const answer = await send('POST', `${POLICIES}?fieldValidation=Ignore`, wrong);
    assert.equal(answer.statusCode, 201);
    assert.equal(answer.headers['warning'], undefined);
    assert.equal((await send('POST', `${POLICIES}?fieldValidation=Maybe`, wrong)).statusCode, 422);
  });
});

test('an invalid object is 422 with every cause, and is not stored', async () => {
  const { send, log } = await createFixture();
  const keepalive = { retries: 0, time: '500ms' };
  const answer = await send('POST', POLICIES, {
    ...TCP_POLICY,
    spec: { ...TCP_POLICY.spec, frontend: { tcp: { keepalive } } },
  });
  assert.equal(answer.statusCode, 422);
  const { message, reason, details } = answer.json();
  assert.equal(reason, 'Invalid');
  assert.equal(details.kind, 'AgentgatewayPolicy');
  assert.deepEqual(details.causes, [
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: 0: spec.frontend.tcp.keepalive.retries in body should be greater than or equal to 1',
      field: 'spec.frontend.tcp.keepalive.retries',
    },
    {
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "string": time must be at least 1 second, got 500ms',
      field: 'spec.frontend.tcp.keepalive.time',
    },
  ]);
  assert.ok(message.startsWith('AgentgatewayPolicy.agentgateway.dev "httpbin-keepalive" is invalid: [spec.frontend'));
  assert.equal(log.head(), 2);
});

test('a name, namespace or kind of another type is refused, whatever it is', async () => {
  const { send } = await createFixture();
  await send('POST', POLICIES, TCP_POLICY);
  for (const value of [5, [], { toString: null }]) {
    for (const metadata of [{ name: value }, { name: 'httpbin-keepalive', namespace: value }]) {
      assert.equal((await send('POST', POLICIES, { ...TCP_POLICY, metadata })).statusCode, 422);
      assert.equal((await send('PATCH', POLICY, { metadata }, { 'content-type': MERGE })).statusCode, 422);
    }
    assert.equal((await send('POST', POLICIES, { ...TCP_POLICY, kind: value })).statusCode, 400);
  }
});

test('an event says who did it, through what, and under which request', async () => {
  const { send, log } = await createFixture();
  const first = await send('POST', `${POLICIES}?fieldManager=kubectl-client-side-apply`, TCP_POLICY);
  await send('DELETE', POLICY, undefined, { 'user-agent': 'kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd' });
  const [created, deleted] = log.read({ from: 3, limit: 2 });
  assert.deepEqual(created?.actor, { user: 'anonymous', via: 'kubectl-client-side-apply' });
  assert.deepEqual(deleted?.actor, { user: 'anonymous', via: 'kubectl/v1.32.4' });
  assert.equal(created?.requestId, first.headers['x-request-id']);
});

test('each committed write is a line of the log at debug, without what was written', async () => {
  const lines: object[] = [];
  const none = () => undefined;
  const debug = (fields: object, message: string): void => {
    if (message === 'written') lines.push(fields);
  };
  const { send } = await createFixture({ logger: { debug, info: none, warn: none, error: none } });
  lines.length = 0;
  const created = await send('POST', `${POLICIES}?fieldManager=ci`, TCP_POLICY);
  await send('POST', POLICIES, TCP_POLICY);
  await send('PATCH', POLICY, {}, { 'content-type': MERGE });
  await send('DELETE', `${POLICY}?dryRun=All`);
  await send('DELETE', POLICY, undefined, { 'user-agent': 'kubectl/v1.32' });
  const about = { kind: 'AgentgatewayPolicy', namespace: 'httpbin', name: 'httpbin-keepalive', user: 'anonymous' };
  assert.deepEqual(
    lines.map(({ requestId, ...line }: { requestId?: unknown }) => line),
    [
      { type: 'Created', ...about, seq: 3, via: 'ci' },
      { type: 'Deleted', ...about, seq: 4, via: 'kubectl/v1.32' },
    ],
  );
  assert.equal((lines[0] as { requestId?: unknown }).requestId, created.headers['x-request-id']);
});
