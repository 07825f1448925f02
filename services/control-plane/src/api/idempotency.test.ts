import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFixture, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const key = (value: string) => ({ 'idempotency-key': value });
const change = (time: string) => ({ spec: { frontend: { tcp: { keepalive: { time } } } } });
const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

describe('Idempotency-Key', () => {
  test('a retry of every kind of write gets the first answer, whatever happened since', async () => {
    const { send, log } = await createFixture();
    const writes = [
      ['POST', POLICIES, TCP_POLICY, {}],
      ['PATCH', POLICY, change('60s'), { 'content-type': MERGE }],
      ['PUT', POLICY, { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, resourceVersion: '4' } }, {}],
      ['POST', `${POLICY}/rollback`, { to: 4 }, {}],
      ['DELETE', POLICY, undefined, {}],
      ['POST', `${POLICY}/undelete`, undefined, {}],
      ['DELETE', '/api/v1/namespaces/httpbin', undefined, {}],
    ] as const;
    const answers: string[] = [];
    for (const [index, [method, url, body, headers]] of writes.entries()) {
      const answer = await send(method, url, body, { ...headers, ...key(`k-${index}`) });
      assert.ok(answer.statusCode < 300, answer.body);
      answers.push(`${answer.statusCode} ${answer.body}`);
    }
    const head = log.head();
    for (const [index, [method, url, body, headers]] of writes.entries()) {
      const answer = await send(method, url, body, { ...headers, ...key(`k-${index}`) });
      assert.equal(`${answer.statusCode} ${answer.body}`, answers[index], `${method} ${url}`);
    }
    assert.equal(log.head(), head);
  });

  test('a name that the server made up is made up once', async () => {
    const { send } = await createFixture();
    const create = () => send('POST', POLICIES, { ...TCP_POLICY, metadata: { generateName: 'a-' } }, key('once'));
    const [first, second] = [await create(), await create()];
    assert.equal(first.statusCode, 201);
    assert.deepEqual(second.json(), first.json());
  });

  test('of retries at once one is done, and all get its answer', async () => {
    const { send, log } = await createFixture();
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => send('POST', '/api/v1/namespaces', namespace('a'), key('k'))),
    );
    assert.equal(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size, 1);
    assert.equal(log.head(), 3);
  });

  test('the key of another request is refused: other method, path, query or body', async () => {
    const { send, log } = await createFixture();
    await send('POST', '/api/v1/namespaces', namespace('a'), key('k'));
    const others = [
      ['POST', '/api/v1/namespaces', namespace('b')],
      ['POST', '/api/v1/namespaces?fieldManager=x', namespace('a')],
      ['POST', POLICIES, TCP_POLICY],
      ['DELETE', '/api/v1/namespaces/a', undefined],
    ] as const;
    for (const [method, url, body] of others) {
      const answer = await send(method, url, body, key('k'));
      assert.equal(answer.statusCode, 422);
      const { message, details } = answer.json();
      assert.equal(message, 'Idempotency-Key: Invalid value: "k": was used for another request; use a new key');
      assert.equal(details.causes[0].field, 'Idempotency-Key');
    }
    assert.equal(log.head(), 3);
  });

  test('a refused request does not use up its key, and neither does a dry run', async () => {
    const { send } = await createFixture();
    const create = (query = '') => send('POST', `${POLICIES.replace('httpbin', 'b')}${query}`, policyIn('b'), key('k'));
    assert.equal((await create()).statusCode, 404);
    await send('POST', '/api/v1/namespaces', namespace('b'));
    assert.equal((await create('?dryRun=All')).statusCode, 201);
    assert.equal((await create()).statusCode, 201);
  });

  test('a key must be short printable ASCII', async () => {
    const { send, log } = await createFixture();
    for (const wrong of ['', 'a b', 'ä', 'k'.repeat(256)]) {
      const answer = await send('POST', '/api/v1/namespaces', namespace('a'), key(wrong));
      assert.equal(answer.statusCode, 400, wrong);
      assert.match(answer.json().message, /^Idempotency-Key: .*must be 1 to 255 printable ASCII characters/);
    }
    assert.equal(log.head(), 2);
  });
});

test('the log keeps who wrote as it was hashed, however odd the name', async () => {
  const { send, log } = await createFixture();
  const manager = (length: number) => encodeURIComponent(`${'a'.repeat(length)}😀`);
  const long = await send('POST', `/api/v1/namespaces?fieldManager=${manager(125)}`, namespace('a'));
  assert.equal(long.statusCode, 422);
  assert.equal(
    long.json().message,
    'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
  );
  for (const method of ['POST', 'DELETE'] as const) {
    const path = method === 'POST' ? '/api/v1/namespaces' : '/api/v1/namespaces/httpbin';
    const odd = await send(method, `${path}?fieldManager=%00`, method === 'POST' ? namespace('a') : undefined);
    assert.equal(odd.statusCode, 422, method);
    assert.match(odd.json().message, /fieldManager: Invalid value: .*: invalid character U\+0000 \(at position 0\)$/);
  }
  assert.equal(log.head(), 2);
  await send('POST', `/api/v1/namespaces?fieldManager=${manager(124)}`, namespace('a'));
  assert.equal(log.read({ from: 3, limit: 1 })[0]?.actor.via, `${'a'.repeat(124)}😀`);
});

function policyIn(namespaceName: string) {
  return { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, namespace: namespaceName } };
}
