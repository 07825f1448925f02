import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import fc from 'fast-check';
import { CLASS, CLASSES, createFixture, MERGE } from '../testing/api-fixture.ts';

const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const POLICIES = '/apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';
const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };

type Written = { readonly url: string; readonly name: string; readonly labels: object; readonly spec: object };
/** How an object comes to be as it is at the end. */
type Way = 'created' | 'changed' | 'relabelled' | 'applied' | 'deleted before';

const labels = fc.constantFrom({ tier: 'edge' }, { tier: 'core' });
const gateway = fc.record({ name: fc.constantFrom('g1', 'g2'), labels }).map(
  ({ name, labels: own }): Written => ({
    url: GATEWAYS,
    name,
    labels: own,
    spec: {
      gatewayClassName: 'agentgateway',
      listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }],
    },
  }),
);
const targets = fc.oneof(
  fc.constantFrom('g1', 'g2').map((name) => ({ targetRefs: [{ ...TARGET, name }] })),
  labels.map((matchLabels) => ({ targetSelectors: [{ ...TARGET, matchLabels }] })),
);
const policy = fc
  .record({ name: fc.constantFrom('p1', 'p2', 'p3', 'p4'), labels, targets, retries: fc.integer({ min: 1, max: 9 }) })
  .map(
    ({ name, labels: own, targets: part, retries }): Written => ({
      url: POLICIES,
      name,
      labels: own,
      spec: { ...part, frontend: { tcp: { keepalive: { retries } } } },
    }),
  );
const way = fc.constantFrom<Way>('created', 'changed', 'relabelled', 'applied', 'deleted before');
const objects = fc.uniqueArray(fc.oneof({ weight: 1, arbitrary: gateway }, { weight: 2, arbitrary: policy }), {
  selector: ({ url, name }) => url + name,
  minLength: 3,
  maxLength: 6,
});
/** The same objects twice, each time in another order and in other ways. */
const pair = objects.chain((set) => {
  const order = fc.tuple(
    fc.shuffledSubarray(set, { minLength: set.length }),
    fc.array(way, { minLength: set.length, maxLength: set.length }),
  );
  return fc.tuple(order, order);
});

test('the same objects give the same configuration, whatever writes led to them in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(pair, async ([one, other]) => {
      assert.deepEqual(await configurations(...one), await configurations(...other));
    }),
    { numRuns: 30 },
  );
});

/** Writes the objects, all in the same second so that age tells nothing apart, and reads what follows from them. */
async function configurations(order: readonly Written[], ways: readonly Way[]): Promise<readonly unknown[]> {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  log.follow((events) => events.map((event) => projection.apply(event)));
  const { app, send } = await createFixture({ log, projectionAt: () => projection });
  await send('POST', CLASSES, CLASS);
  const ask = async () =>
    Promise.all(['g1', 'g2'].map(async (name) => (await send('GET', `${GATEWAYS}/${name}/effective`)).json()));
  for (const [index, written] of order.entries()) {
    for (const step of stepsTo(written, ways[index] ?? 'created')) {
      const answer = await send(...step);
      assert.ok(answer.statusCode < 300, answer.body);
      // Asked in between, so that what is kept has to follow.
      await ask();
    }
  }
  const answers = await ask();
  await app.close();
  return answers.map(({ ports, resources, code }) => ({ ports, resources, code }));
}

type Step = Parameters<Awaited<ReturnType<typeof createFixture>>['send']>;

function stepsTo({ url, name, labels: own, spec }: Written, how: Way): readonly Step[] {
  const isGateway = url === GATEWAYS;
  const object = (given: object, withLabels: object) => ({
    apiVersion: isGateway ? 'gateway.networking.k8s.io/v1' : 'agentgateway.dev/v1alpha1',
    kind: isGateway ? 'Gateway' : 'AgentgatewayPolicy',
    metadata: { name, labels: withLabels },
    spec: given,
  });
  const other = isGateway
    ? { ...spec, listeners: [{ name: 'tcp', protocol: 'TCP', port: 81 }] }
    : { targetSelectors: [{ ...TARGET, matchLabels: { tier: 'edge' } }], frontend: { http: { http1MaxHeaders: 5 } } };
  const created: Step = ['POST', url, object(spec, own)];
  const asOther: Step = ['POST', url, object(other, { tier: 'other' })];
  const item = `${url}/${name}`;
  switch (how) {
    case 'created':
      return [created];
    case 'changed': {
      const steps = [
        { op: 'replace', path: '/spec', value: spec },
        { op: 'replace', path: '/metadata/labels', value: own },
      ];
      return [asOther, ['PATCH', item, steps, { 'content-type': 'application/json-patch+json' }]];
    }
    case 'relabelled':
      return [
        ['POST', url, object(spec, { tier: 'other' })],
        ['PATCH', item, { metadata: { labels: own } }, { 'content-type': MERGE }],
      ];
    case 'applied': {
      const type = { 'content-type': 'application/apply-patch+yaml' };
      const apply = (given: object, withLabels: object): Step => [
        'PATCH',
        `${item}?fieldManager=m`,
        object(given, withLabels),
        type,
      ];
      return [apply(other, { tier: 'other' }), apply(spec, own)];
    }
    case 'deleted before':
      return [asOther, ['DELETE', item], created];
  }
}
