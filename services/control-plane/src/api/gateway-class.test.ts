import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiFixture, CLASS, CLASSES, createFixture, MERGE } from './testing/api-fixture.ts';

const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const merge = { 'content-type': MERGE };

function gateway(name: string, gatewayClassName: string) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name },
    spec: { gatewayClassName, listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
  };
}

test('who writes a gateway of an unknown class is told, and the gateway waits as on a cluster', async () => {
  const { send } = await createFixture();
  const write = async (method: 'POST' | 'PATCH', url: string, body: unknown, headers = {}) => {
    const answer = await send(method, url, body, headers);
    assert.ok(answer.statusCode < 300, answer.body);
    return [answer.headers['warning'] ?? []].flat().map((warning) => warning.replaceAll('\\"', '"'));
  };
  const nobody = 'spec.gatewayClassName: no GatewayClass "x", so nobody runs the Gateway; there is';
  assert.deepEqual(await write('POST', GATEWAYS, gateway('a', 'x')), [`299 - "${nobody} none"`]);
  const told = (await send('GET', `${GATEWAYS}/a`)).json().status;
  const waiting = { status: 'Unknown', reason: 'Pending', message: 'Waiting for controller' };
  const since = { lastTransitionTime: '1970-01-01T00:00:00Z' };
  assert.deepEqual(told, {
    conditions: ['Accepted', 'Programmed'].map((type) => ({ type, ...waiting, ...since })),
  });

  assert.deepEqual(await write('POST', CLASSES, CLASS), []);
  const labels = { metadata: { labels: { a: 'b' } } };
  assert.deepEqual(await write('PATCH', `${GATEWAYS}/a`, labels, merge), [`299 - "${nobody} agentgateway"`]);
  const { objects } = (await send('POST', '/v1/preview', inHttpbin(gateway('b', 'x')))).json();
  assert.deepEqual(objects[0].warnings, [`${nobody} agentgateway`]);
  assert.deepEqual(await write('POST', GATEWAYS, gateway('b', 'agentgateway')), []);
});

function inHttpbin(object: ReturnType<typeof gateway>) {
  return { ...object, metadata: { ...object.metadata, namespace: 'httpbin' } };
}

async function deletion({ send }: ApiFixture, query = ''): Promise<readonly [code: number, message?: string]> {
  const answer = await send('DELETE', `${CLASSES}/agentgateway${query}`);
  return [answer.statusCode, answer.json().message];
}

test('a class that gateways have is not deleted, alone or among others; without them it is', async () => {
  const fixture = await createFixture();
  const { send, log } = fixture;
  await send('POST', CLASSES, CLASS);
  await send('POST', CLASSES, { ...CLASS, metadata: { name: 'a-class-of-nobody' } });
  for (let index = 10; index < 22; index += 1) await send('POST', GATEWAYS, gateway(`g${index}`, 'agentgateway'));
  const head = log.head();
  const [code, message] = await deletion(fixture);
  assert.equal(code, 403);
  assert.match(
    message ?? '',
    /^gatewayclasses\.gateway\.networking\.k8s\.io "agentgateway" is forbidden: it is the class of the Gateways httpbin\/g10, .*httpbin\/g19 and 2 more; delete them or give them another class first$/,
  );
  assert.equal((await deletion(fixture, '?dryRun=All'))[0], 403);
  assert.equal((await send('DELETE', CLASSES)).statusCode, 403);
  assert.equal(log.head(), head);
  for (let index = 10; index < 22; index += 1) {
    const change = index === 10 ? { spec: { gatewayClassName: 'other' } } : undefined;
    if (change === undefined) await send('DELETE', `${GATEWAYS}/g${index}`);
    else await send('PATCH', `${GATEWAYS}/g${index}`, change, merge);
  }
  assert.deepEqual(await deletion(fixture), [200, undefined]);
});
