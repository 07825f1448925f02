import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiFixture, CLASS, CLASSES, createFixture, MERGE, POLICIES } from '../testing/api-fixture.ts';

const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const ENVIRONMENT = 'pulseplane.dev/environment';
const ACKNOWLEDGE = 'pulseplane.dev/lint-acknowledge';
const NLB = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html';
const LATE =
  'spec.frontend.tcp.keepalive.time: the first probe comes after 300s, not within 280s: aws-nlb drops silent connections after 350s';
const NOTHING = 'nothing keeps silent connections of port';

type Annotations = { readonly [name: string]: string };

test('the writer of a policy is warned, also in a dry run; the writer of another object is not', async () => {
  const { send } = await withGateway({ [ENVIRONMENT]: 'aws-nlb' });
  const expected = [`299 - "${LATE} (lint nat, ${NLB})"`];
  const dry = await send('POST', `${POLICIES}?dryRun=All`, policy('slow', '300s'));
  assert.deepEqual([dry.statusCode, warnings(dry)], [201, expected]);
  const created = await send('POST', POLICIES, policy('slow', '300s'));
  assert.deepEqual([created.statusCode, warnings(created)], [201, expected]);
  const patch = (time: string, query = '') =>
    send('PATCH', `${POLICIES}/slow${query}`, frontend(time), { 'content-type': MERGE });
  assert.deepEqual(warnings(await patch('279s', '?dryRun=All')), []);
  assert.deepEqual(warnings(await patch('300s')), expected);
  assert.deepEqual(warnings(await patch('279s')), []);
  const backend = {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { name: 'app' },
    spec: { static: { host: '127.0.0.1', port: 9_000 } },
  };
  const backends = POLICIES.replace('agentgatewaypolicies', 'agentgatewaybackends');
  assert.deepEqual(warnings(await send('POST', backends, backend)), []);
  const annotated = { ...backend, metadata: { name: 'old', annotations: { [ENVIRONMENT]: 'gunicorn' } } };
  assert.match(warnings(await send('POST', backends, annotated))[0] ?? '', /gunicorn closes idle connections after 2s/);
});

test('the keepalive in force on the ways to a backend is held against the middlebox before it', async () => {
  const { send } = await withGateway({});
  const group = 'agentgateway.dev';
  const backendRefs = [{ group, kind: 'AgentgatewayBackend', name: 'app' }];
  const backends = POLICIES.replace('agentgatewaypolicies', 'agentgatewaybackends');
  const metadata = { name: 'app', annotations: { [ENVIRONMENT]: 'linux-conntrack=200s' } };
  const spec = { static: { host: '127.0.0.1', port: 9_000 } };
  const backend = { apiVersion: `${group}/v1alpha1`, kind: 'AgentgatewayBackend', metadata, spec };
  assert.deepEqual(warnings(await send('POST', `${backends}?dryRun=All`, backend)), []);
  await send('POST', GATEWAYS.replace('gateways', 'httproutes'), {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web' },
    spec: { parentRefs: [{ name: 'agentgateway-proxy' }], rules: [{ backendRefs }] },
  });
  const late = 'linux-conntrack drops silent connections after 200s';
  assert.match(
    warnings(await send('POST', backends, backend))[0] ?? '',
    new RegExp(`spec\\.policies\\.tcp\\.keepalive: .* after 180s \\(default\\), not within 160s: ${late}`),
  );
  const policyOf = (time: string) => ({
    ...policy('upstream', '30s'),
    spec: { targetRefs: backendRefs, backend: { tcp: { keepalive: { time } } } },
  });
  await send('POST', POLICIES, policyOf('170s'));
  const report = await send('GET', '/v1/lint?rule=nat');
  assert.deepEqual(
    report.json().items.map(({ object, field }: { object: { name: string }; field: string }) => [object.name, field]),
    [['upstream', 'spec.backend.tcp.keepalive.time']],
  );
  await send('PATCH', `${POLICIES}/upstream`, { spec: policyOf('30s').spec }, { 'content-type': MERGE });
  assert.deepEqual((await send('GET', '/v1/lint?rule=nat')).json().items, []);
});

test('a policy that is in force nowhere, and one that another overrides, have no effect to warn of', async () => {
  const { send } = await withGateway({ [ENVIRONMENT]: 'aws-nlb' });
  const elsewhere = policy('elsewhere', '300s');
  const targetRefs = elsewhere.spec.targetRefs.map((target) => ({ ...target, name: 'none' }));
  assert.deepEqual(
    warnings(await send('POST', POLICIES, { ...elsewhere, spec: { ...elsewhere.spec, targetRefs } })),
    [],
  );
  await send('POST', POLICIES, policy('a', '30s'));
  assert.deepEqual(warnings(await send('POST', POLICIES, policy('b', '300s'))), []);
});

test('who annotates a gateway hears of its policies; who acknowledges does not', async () => {
  const { send } = await withGateway({});
  assert.deepEqual(warnings(await send('POST', POLICIES, policy('slow', '300s'))), []);
  const annotate = (annotations: Annotations) =>
    send('PATCH', `${GATEWAYS}/agentgateway-proxy`, { metadata: { annotations } }, { 'content-type': MERGE });
  assert.deepEqual(warnings(await annotate({ [ENVIRONMENT]: 'aws-nlb' })), [
    `299 - "AgentgatewayPolicy httpbin/slow: ${LATE} (lint nat, ${NLB})"`,
  ]);
  assert.deepEqual(warnings(await annotate({ [ACKNOWLEDGE]: 'nat' })), []);
  const [unknown] = warnings(await annotate({ [ENVIRONMENT]: 'my-lb' }));
  assert.match(
    unknown ?? '',
    /no environment \\"my-lb\\"; known: aws-nlb, .* and \d+ more \(lint annotation, https:[^ ]*annotations\/\)/,
  );
});

test('the report has all findings, and filters', async () => {
  const { send } = await withGateway({ [ENVIRONMENT]: 'aws-nlb', [ACKNOWLEDGE]: 'layer' });
  const items = async (query = '') => {
    const answer = await send('GET', `/v1/lint${query}`);
    assert.equal(answer.statusCode, 200);
    const { kind, apiVersion, metadata, items: findings } = answer.json();
    assert.deepEqual([kind, apiVersion, metadata], ['LintReport', 'pulseplane.dev/v1', {}]);
    return findings as readonly { rule: string; severity: string; message: string }[];
  };
  const quiet = await items();
  assert.deepEqual(
    quiet.map(({ rule, message }) => [rule, message.slice(0, NOTHING.length)]),
    [
      ['nat', NOTHING],
      ['nat', NOTHING],
    ],
  );
  await send('POST', POLICIES, policy('slow', '300s'));
  await send('PATCH', '/api/v1/namespaces/default', namespace({ [ENVIRONMENT]: 'x' }), { 'content-type': MERGE });
  const rules = (findings: Awaited<ReturnType<typeof items>>) => findings.map(({ rule }) => rule).sort();
  assert.deepEqual(rules(await items()), ['annotation', 'detect', 'nat']);
  assert.deepEqual(rules(await items('?namespace=httpbin')), ['detect', 'nat']);
  assert.deepEqual(rules(await items('?namespace=default')), ['annotation']);
  assert.deepEqual(rules(await items('?severity=info')), ['detect']);
  assert.deepEqual(rules(await items('?severity=warning&namespace=httpbin')), ['nat']);
  assert.deepEqual(await items('?rule=nat'), [
    {
      rule: 'nat',
      severity: 'warning',
      object: { kind: 'AgentgatewayPolicy', namespace: 'httpbin', name: 'slow' },
      field: 'spec.frontend.tcp.keepalive.time',
      message: LATE.slice(LATE.indexOf(': ') + 2),
      source: NLB,
      environment: 'aws-nlb',
      acknowledged: false,
    },
  ]);
});

test('the report of more objects than are looked at in one turn is whole, and of many findings it is cut', async () => {
  const { send } = await createFixture();
  await send('POST', CLASSES, CLASS);
  for (let index = 0; index < 401; index++) {
    const answer = await send('POST', GATEWAYS, gateway(`g${index}`, { [ENVIRONMENT]: 'aws-nlb, x, y' }));
    assert.equal(answer.statusCode, 201);
  }
  const all = (await send('GET', '/v1/lint?rule=nat')).json();
  const names = all.items.map(({ object }: { readonly object: { readonly name: string } }) => object.name);
  assert.deepEqual([new Set(names).size, names.length, all.metadata], [401, 802, {}]);
  const cut = (await send('GET', '/v1/lint')).json();
  assert.deepEqual([cut.items.length, cut.metadata], [1_000, { remainingItemCount: 604 }]);
});

test('a filter that is none is refused', async () => {
  const { send } = await createFixture();
  await send('POST', CLASSES, CLASS);
  for (const [query, message] of [
    ['severity=error', 'severity: Invalid value: "error": must be one of warning, info'],
    ['rule=R1', /^rule: Invalid value: "R1": must be one of order, nat, /],
    ['rule=nat&rule=age', /^rule: Invalid value: "nat,age": must be one of/],
    ['namespace=a&namespace=b', 'namespace: Invalid value: "a,b": may be given once'],
  ] as const) {
    const answer = await send('GET', `/v1/lint?${query}`);
    assert.equal(answer.statusCode, 400);
    if (typeof message === 'string') assert.equal(answer.json().message, message);
    else assert.match(answer.json().message, message);
  }
});

async function withGateway(annotations: Annotations): Promise<ApiFixture> {
  const fixture = await createFixture();
  await fixture.send('POST', CLASSES, CLASS);
  await fixture.send('POST', GATEWAYS, gateway('agentgateway-proxy', annotations));
  return fixture;
}

function gateway(name: string, annotations: Annotations) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, annotations },
    spec: {
      gatewayClassName: 'agentgateway',
      listeners: [
        { name: 'http', protocol: 'HTTP', port: 3_000 },
        { name: 'tcp', protocol: 'TCP', port: 3_001 },
      ],
    },
  };
}

function namespace(annotations: Annotations) {
  return { metadata: { annotations } };
}

function frontend(time: string) {
  return { spec: { frontend: { tcp: { keepalive: { time } } } } };
}

function policy(name: string, time: string) {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
      ...frontend(time).spec,
    },
  };
}

function warnings({ headers }: { readonly headers: { readonly [name: string]: unknown } }): readonly string[] {
  const { warning = [] } = headers;
  return Array.isArray(warning) ? warning : [String(warning)];
}
