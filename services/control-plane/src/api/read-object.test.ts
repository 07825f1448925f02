import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFixture, JSON_PATCH, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const LABELLED = { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, labels: { a: 'b' } } };
const NAMESPACE = '/api/v1/namespaces/httpbin';
const NO_VERSION = 'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update';

const undeterminable = (name: string): string =>
  `the name of the object (${name} based on URL) was undeterminable: name must be provided`;

async function created() {
  const fixture = await createFixture();
  await fixture.send('POST', POLICIES, LABELLED);
  return {
    ...fixture,
    async patch(body: unknown, url = POLICY, type = MERGE) {
      const answer = await fixture.send('PATCH', url, body, { 'content-type': type });
      return { ...answer.json(), code: answer.statusCode };
    },
  };
}

describe('an object without a name where the URL has one', () => {
  for (const [type, body] of [
    [MERGE, { metadata: null }],
    [MERGE, { metadata: { name: null } }],
    [MERGE, { metadata: { name: '', generateName: 'a' } }],
    [JSON_PATCH, [{ op: 'remove', path: '/metadata' }]],
    [JSON_PATCH, [{ op: 'remove', path: '/metadata/name' }]],
  ] as const) {
    test(`a patch ${JSON.stringify(body)} is refused, and nothing is lost`, async () => {
      const { patch, send, log } = await created();
      const before = log.head();
      for (const [url, name] of [
        [POLICY, 'httpbin-keepalive'],
        [`${POLICY}/status`, 'httpbin-keepalive'],
        [NAMESPACE, 'httpbin'],
      ] as const) {
        const { code, reason, message } = await patch(body, url, type);
        assert.deepEqual({ code, reason, message }, { code: 400, reason: 'BadRequest', message: undeterminable(name) });
      }
      assert.equal(log.head(), before);
      assert.deepEqual((await send('GET', POLICY)).json().metadata.labels, { a: 'b' });
    });
  }

  test('a PUT of one is refused', async () => {
    const { send } = await created();
    for (const metadata of [undefined, null, {}, { name: '' }, { generateName: 'a' }]) {
      for (const url of [POLICY, `${POLICY}/status`, `${POLICIES}/none`]) {
        const answer = await send('PUT', url, { ...LABELLED, metadata });
        assert.equal(answer.statusCode, 400);
        assert.match(answer.json().message, /was undeterminable: name must be provided/);
      }
    }
  });

  test('an apply takes the name of the object that is there, and needs one where none is', async () => {
    const { send } = await created();
    const { metadata: _, ...config } = TCP_POLICY;
    const type = { 'content-type': 'application/apply-patch+yaml' };
    const applied = await send('PATCH', `${POLICY}?fieldManager=a`, config, type);
    assert.equal(applied.statusCode, 200);
    assert.deepEqual(applied.json().metadata.labels, { a: 'b' });
    assert.equal((await send('PATCH', `${POLICY}/status?fieldManager=a`, config, type)).statusCode, 200);
    const refused = await send('PATCH', `${POLICIES}/none?fieldManager=a`, config, type);
    assert.equal(refused.statusCode, 400);
    assert.equal(refused.json().message, undeterminable('none'));
  });
});

describe('a patch that takes away what the server set', () => {
  test('the uid or the namespace is no change', async () => {
    const { patch, log } = await created();
    const before = log.head();
    assert.equal((await patch({ metadata: { uid: null, namespace: null } })).code, 200);
    assert.equal(log.head(), before);
  });

  for (const resourceVersion of [null, '', '0']) {
    test(`the version, to ${JSON.stringify(resourceVersion)}: refused for custom kinds, as blind for its own`, async () => {
      const { patch, send } = await created();
      const change = { metadata: { resourceVersion, labels: { z: '1' } } };
      for (const url of [POLICY, `${POLICY}/status`]) {
        const { code, message } = await patch(change, url);
        assert.equal(code, 422);
        assert.equal(message, `agentgatewaypolicies.agentgateway.dev "httpbin-keepalive" is invalid: ${NO_VERSION}`);
      }
      assert.deepEqual((await send('GET', POLICY)).json().metadata.labels, { a: 'b' });
      assert.equal((await patch(change, NAMESPACE)).metadata.labels.z, '1');
    });
  }
});

describe('an invalid object where something is missing', () => {
  const INVALID = { ...TCP_POLICY, metadata: { name: 'Not_A_Name' }, spec: { targetRefs: [] } };
  const elsewhere = POLICIES.replace('httpbin', 'nonesuch');
  const missing = {
    code: 404,
    message: 'namespaces "nonesuch" not found',
    details: { name: 'nonesuch', kind: 'namespaces' },
  };

  test('the namespace: a POST or an apply of one says so', async () => {
    const { send, log } = await createFixture();
    const posted = await send('POST', elsewhere, INVALID);
    const dry = await send('POST', `${elsewhere}?dryRun=All`, INVALID);
    const config = { ...INVALID, metadata: { name: 'a' } };
    const applied = await send('PATCH', `${elsewhere}/a?fieldManager=a`, config, {
      'content-type': 'application/apply-patch+yaml',
    });
    for (const answer of [posted, dry, applied]) {
      const { code, message, details } = answer.json();
      assert.deepEqual({ code, message, details }, missing);
    }
    assert.equal((await send('POST', POLICIES, INVALID)).statusCode, 422);
    assert.equal(log.head(), 2);
  });

  test('the namespace, of an object that cannot be read: 400, as anywhere', async () => {
    const { send } = await createFixture();
    const unknown = { ...TCP_POLICY, metadata: { name: 'a' }, spec: { foo: 1 } };
    assert.equal((await send('POST', elsewhere, unknown)).statusCode, 400);
    assert.equal((await send('POST', elsewhere, { ...unknown, apiVersion: 'v2' })).statusCode, 400);
  });

  test('the namespace is on its way out', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, finalizers: ['a.b/c'] } });
    await send('DELETE', NAMESPACE);
    const answer = await send('POST', POLICIES, INVALID);
    assert.equal(answer.statusCode, 403);
    assert.match(answer.json().message, /because it is being terminated/);
  });

  test('the object: a PUT of it is 404', async () => {
    const { send } = await createFixture();
    const answer = await send('PUT', `${POLICIES}/none`, { ...INVALID, metadata: { name: 'none' } });
    assert.equal(answer.statusCode, 404);
    assert.equal(answer.json().message, 'agentgatewaypolicies.agentgateway.dev "none" not found');
  });
});

describe('a patch that makes an object one of another type', () => {
  const qualified = 'AgentgatewayPolicy.agentgateway.dev "httpbin-keepalive" is invalid: ';
  for (const [body, message] of [
    [
      { apiVersion: 'v2' },
      'AgentgatewayPolicy "httpbin-keepalive" is invalid: apiVersion: Invalid value: "v2": must be agentgateway.dev/v1alpha1',
    ],
    [
      { kind: 'Foo' },
      'Foo.agentgateway.dev "httpbin-keepalive" is invalid: kind: Invalid value: "Foo": must be AgentgatewayPolicy',
    ],
    [
      { kind: 'Foo', apiVersion: 'v2' },
      'Foo "httpbin-keepalive" is invalid: [kind: Invalid value: "Foo": must be AgentgatewayPolicy, apiVersion: Invalid value: "v2": must be agentgateway.dev/v1alpha1]',
    ],
    [{ kind: null }, `${qualified}kind: Invalid value: null: must be AgentgatewayPolicy`],
    [{ kind: 5 }, `${qualified}kind: Invalid value: 5: must be AgentgatewayPolicy`],
    [{ apiVersion: null }, `${qualified}apiVersion: Invalid value: null: must be agentgateway.dev/v1alpha1`],
  ] as const) {
    test(JSON.stringify(body), async () => {
      const answer = await (await created()).patch(body);
      assert.deepEqual({ code: answer.code, message: answer.message }, { code: 422, message });
    });
  }
});

describe('a time that is none', () => {
  for (const time of ['foo', '', '2020-01-01', '2020-13-01T00:00:00Z']) {
    for (const field of ['creationTimestamp', 'deletionTimestamp']) {
      test(`${field} ${JSON.stringify(time)}`, async () => {
        const { patch, send } = await created();
        const rule = `metadata.${field} in body must be of type date-time: ${JSON.stringify(time)}`;
        const metadata = { [field]: time };
        const { code, details } = await patch({ metadata });
        const cause = {
          reason: 'FieldValueInvalid',
          message: `Invalid value: ${JSON.stringify(time)}: ${rule}`,
          field: `metadata.${field}`,
        };
        assert.deepEqual({ code, causes: details.causes }, { code: 422, causes: [cause] });
        const object = { ...TCP_POLICY, metadata: { name: 'a', ...metadata } };
        assert.equal((await send('POST', POLICIES, object)).statusCode, 422);
      });
    }
  }

  test('one that is one is left out, as all that the server sets', async () => {
    const { patch, log } = await created();
    const before = log.head();
    const metadata = { creationTimestamp: '2020-01-01T00:00:00.5+02:00', deletionTimestamp: '2020-01-01T00:00:00Z' };
    assert.equal((await patch({ metadata })).code, 200);
    assert.equal(log.head(), before);
  });
});

describe('a patch of the wrong shape', () => {
  for (const [type, body, says] of [
    [MERGE, '"foo"', 'the patch must be an object'],
    [MERGE, '[]', 'the patch must be an object'],
    [MERGE, 'null', 'the patch must be an object'],
    [JSON_PATCH, '{}', 'a JSON patch must be a list of operations'],
    [JSON_PATCH, '[{"op":"remove","path":"/spec"},5]', 'operation 1: must be an object'],
  ] as const) {
    test(`${type} ${body}`, async () => {
      const { patch, log } = await created();
      const before = log.head();
      const { code, reason, message } = await patch(body, POLICY, type);
      assert.deepEqual(
        { code, reason, message },
        { code: 400, reason: 'BadRequest', message: `error decoding patch: ${says}` },
      );
      assert.equal(log.head(), before);
    });
  }
});
