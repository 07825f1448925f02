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
