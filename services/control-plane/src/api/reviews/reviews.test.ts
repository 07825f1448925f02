import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiFixture, createFixture, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { OTHER_RULES } from './access.ts';

const WHO = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ACCESS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';

function accessReview(spec: object | undefined) {
  return { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
}

async function ask({ send }: ApiFixture, spec: object) {
  const answer = await send('POST', ACCESS, accessReview(spec));
  assert.equal(answer.statusCode, 201, answer.body);
  assert.deepEqual(answer.json().spec, spec);
  return answer.json().status;
}

test('the asker is who the log names, and nothing is stored', async () => {
  const { send, log } = await createFixture();
  const head = log.head();
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} };
  const answer = await send('POST', WHO, review);
  assert.equal(answer.statusCode, 201);
  const userInfo = { username: 'anonymous', groups: ['system:unauthenticated'] };
  assert.deepEqual(answer.json(), { ...review, status: { userInfo } });
  assert.equal(log.head(), head);
  await send('POST', POLICIES, TCP_POLICY);
  assert.equal(log.read({ from: head + 1, limit: 1 })[0]?.actor.user, userInfo.username);
});

test('what the API can do is allowed, and what it cannot is denied with a reason', async () => {
  const fixture = await createFixture();
  const policies = { group: 'agentgateway.dev', resource: 'agentgatewaypolicies' };
  for (const attributes of [
    { ...policies, verb: 'create', namespace: 'httpbin' },
    { ...policies, verb: 'deletecollection' },
    { ...policies, verb: 'create', subresource: 'rollback' },
    { ...policies, verb: '*' },
    { verb: '*', group: '*', resource: '*' },
    { verb: 'list', resource: 'pods' },
    { verb: 'create', resource: 'pods', subresource: 'portforward' },
    { verb: 'create', group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' },
  ]) {
    assert.deepEqual(await ask(fixture, { resourceAttributes: attributes }), { allowed: true }, attributes.verb);
  }
  for (const [attributes, reason] of [
    [{ verb: 'delete', resource: 'pods' }, 'pods do not have the verb "delete", only get, list, watch'],
    [
      { ...policies, verb: 'impersonate' },
      'agentgatewaypolicies.agentgateway.dev do not have the verb "impersonate", only delete, deletecollection, get, list, patch, create, update, watch',
    ],
    [
      { ...policies, verb: 'get', subresource: 'rollback' },
      'agentgatewaypolicies/rollback.agentgateway.dev do not have the verb "get", only create',
    ],
    [{ verb: 'get', resource: 'configmaps' }, 'the server does not have the resource "configmaps"'],
    [{ verb: 'get', resource: policies.resource }, 'the server does not have the resource "agentgatewaypolicies"'],
    [{}, 'the server does not have the resource ""'],
  ] as const) {
    assert.deepEqual(await ask(fixture, { resourceAttributes: attributes }), { allowed: false, reason });
  }
});

test('paths that are no resources are judged by their patterns', async () => {
  const fixture = await createFixture();
  for (const path of ['/v1/lint', '/openapi/v3/api/v1', '/apis', '*']) {
    assert.deepEqual(await ask(fixture, { nonResourceAttributes: { path, verb: 'get' } }), { allowed: true }, path);
  }
  assert.deepEqual(await ask(fixture, { nonResourceAttributes: { path: '/v1/preview', verb: 'post' } }), {
    allowed: true,
  });
  for (const path of ['/', ...(await fixture.send('GET', '/')).json().paths]) {
    const verb = fixture.app.hasRoute({ method: 'GET', url: path }) ? 'get' : 'post';
    assert.deepEqual(await ask(fixture, { nonResourceAttributes: { path, verb } }), { allowed: true }, path);
  }
  for (const [path, verb, reason] of [
    ['/logs', 'get', 'the server does not have the path "/logs"'],
    ['/v1/lint', 'post', 'the path does not have the verb "post", only get'],
  ] as const) {
    assert.deepEqual(await ask(fixture, { nonResourceAttributes: { path, verb } }), { allowed: false, reason });
  }
});

test('the rules are what discovery lists, and paths that are served', async () => {
  const { send, app } = await createFixture();
  const spec = { namespace: 'httpbin' };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec };
  const { status } = (await send('POST', RULES, review)).json();
  assert.equal(status.incomplete, false);
  const listed: string[] = [];
  const { groups } = (await send('GET', '/apis')).json();
  const paths = groups.flatMap(({ versions }: { versions: readonly { groupVersion: string }[] }) =>
    versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
  );
  for (const path of ['/api/v1', ...paths]) {
    const { resources, groupVersion } = (await send('GET', path)).json();
    const group = groupVersion.includes('/') ? groupVersion.split('/')[0] : '';
    for (const { name, verbs } of resources) listed.push(JSON.stringify([group, name, verbs]));
  }
  assert.deepEqual(
    status.resourceRules
      .map(({ apiGroups, resources, verbs }: Record<string, string[]>) =>
        JSON.stringify([apiGroups?.[0], resources?.[0], verbs]),
      )
      .sort(),
    listed.sort(),
  );
  assert.deepEqual(
    status.nonResourceRules,
    OTHER_RULES.map(({ verbs, paths }) => ({ verbs, nonResourceURLs: paths })),
  );
  for (const { verbs, paths } of OTHER_RULES) {
    const method = verbs.includes('post') ? 'POST' : 'GET';
    for (const url of paths.filter((path) => !path.endsWith('*'))) assert.ok(app.hasRoute({ method, url }), url);
  }
});

test('a question that is not one is refused with its fault', async () => {
  const { send } = await createFixture();
  const path = { path: '/api', verb: 'get' };
  const one = { verb: 'get', resource: 'pods' };
  for (const [body, code, message] of [
    [accessReview({}), 422, /spec\.resourceAttributes: .*exactly one of/],
    [accessReview(undefined), 422, /spec: Required value/],
    [
      accessReview({ resourceAttributes: one, nonResourceAttributes: path }),
      422,
      /spec\.nonResourceAttributes: .*comb/,
    ],
    [accessReview({ resourceAttributes: { ...one, verb: 3 } }), 422, /spec\.resourceAttributes\.verb/],
    [
      accessReview({ resourceAttributes: { ...one, verbs: 'x' } }),
      400,
      /unknown field "spec\.resourceAttributes\.verbs"/,
    ],
    [{ ...accessReview({ resourceAttributes: one }), metadata: { name: 'x' } }, 422, /metadata: .*must be empty/],
    [{ ...accessReview({ resourceAttributes: one }), kind: 'Pod' }, 400, /does not match the expected kind/],
  ] as const) {
    const answer = await send('POST', ACCESS, body);
    assert.equal(answer.statusCode, code, answer.body);
    assert.match(answer.json().message, message);
  }
  const rules = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: {} };
  assert.match((await send('POST', RULES, rules)).json().message, /spec\.namespace: Required value/);
  const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  assert.equal((await send('POST', ACCESS, 'k8s\0\xff', protobuf)).statusCode, 400);
  for (const method of ['GET', 'PUT', 'DELETE'] as const) assert.equal((await send(method, ACCESS)).statusCode, 405);
});
