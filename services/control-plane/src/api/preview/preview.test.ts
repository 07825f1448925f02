import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Projection } from '@pulseplane/projection';
import { EnvoyNotices } from '../../xds/envoy-notices.ts';
import { ClusterView } from '../cluster-view/cluster-view.ts';
import { MAX_PREVIEWED_GATEWAYS, MAX_PREVIEWED_OBJECTS } from '../limits.ts';
import {
  type ApiFixture,
  CLASS,
  CLASSES,
  createFixture,
  MERGE,
  POLICIES,
  POLICY,
  TCP_POLICY,
} from '../testing/api-fixture.ts';

const YAML = { 'content-type': 'application/yaml' };
const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const NAMESPACE_MANIFEST = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'edge' } };
const AFTER_60_S = 'ports["3000"].tcp.idleSeconds: 30 -> 60';

type Previewed = {
  readonly metadata: object;
  readonly warnings: readonly string[];
  readonly workers: number;
  readonly connections: number;
  readonly objects: readonly {
    readonly document: number;
    readonly change: string;
    readonly warnings: readonly string[];
  }[];
  readonly gateways: readonly {
    readonly gateway: { readonly namespace: string; readonly name: string };
    readonly change: string;
    readonly workers: number;
    readonly connections: number;
    readonly text: readonly string[];
  }[];
};

test('a changed policy: the diff of each gateway that it reaches, and its workers; nothing is stored', async () => {
  const { preview, log, send } = await withPolicy();
  await send('POST', GATEWAYS, gateway('other'));
  const head = log.head();
  const { metadata, workers, connections, objects, gateways } = await preview(policy('60s'));
  assert.deepEqual(metadata, { resourceVersion: String(head) });
  assert.deepEqual(
    gateways.map(({ gateway: { name }, change, ...gateway }) => [name, change, gateway.workers, gateway.connections]),
    [['agentgateway-proxy', 'Changed', 2, 6]],
  );
  assert.deepEqual([workers, connections], [2, 6]);
  assert.deepEqual(gateways[0]?.text, [
    AFTER_60_S,
    'resources["policy/frontend/httpbin/httpbin-keepalive:frontend-tcp:httpbin/agentgateway-proxy"].frontend.keepalive.timeMs: 30000 -> 60000',
  ]);
  const { name, namespace } = TCP_POLICY.metadata;
  assert.deepEqual(objects, [
    { document: 1, kind: 'AgentgatewayPolicy', namespace, name, change: 'Changed', warnings: [] },
  ]);
  assert.equal(log.head(), head);
  const effective = await send('GET', `${GATEWAYS}/agentgateway-proxy/effective`);
  assert.equal(effective.json().ports[0].tcp.idleSeconds, 30);
  // What the preview says is what a write then does.
  await send('PATCH', `${POLICIES}/${name}`, { spec: policy('60s').spec }, { 'content-type': MERGE });
  const written = await send('GET', `${GATEWAYS}/agentgateway-proxy/effective`);
  assert.equal(written.json().ports[0].tcp.idleSeconds, 60);
});

test('a backend policy: what changes on each way to a backend, and for which gateways', async () => {
  const { preview, send } = await withPolicy();
  const group = 'agentgateway.dev';
  const backendRefs = [{ group, kind: 'AgentgatewayBackend', name: 'up' }];
  const up = {
    apiVersion: `${group}/v1alpha1`,
    kind: 'AgentgatewayBackend',
    metadata: { name: 'up', namespace: 'httpbin' },
  };
  const web = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web', namespace: 'httpbin' },
    spec: { parentRefs: [{ name: 'agentgateway-proxy' }], rules: [{ name: 'one', backendRefs }] },
  };
  const spec = { static: { host: 'up', port: 1 } };
  await send('POST', POLICIES.replace('policies', 'backends'), { ...up, spec });
  await send('POST', GATEWAYS.replace('gateways', 'httproutes'), web);
  const onBackend = {
    ...TCP_POLICY,
    metadata: { name: 'upstream', namespace: 'httpbin' },
    spec: { targetRefs: backendRefs, backend: { tcp: { keepalive: { time: '30s' } } } },
  };
  const policies = await preview(onBackend);
  assert.deepEqual(
    policies.gateways[0]?.text.filter((line) => line.startsWith('backends')),
    ['backends["http HTTPRoute httpbin/web/one httpbin/up"].tcp.idleSeconds: 180 -> 30'],
  );
  assert.equal(policies.workers, 2);
  const inline = await preview({ ...up, spec: { ...spec, policies: { http: { requestTimeout: '3s' } } } });
  assert.ok(
    inline.gateways[0]?.text.includes(
      '+ backends["http HTTPRoute httpbin/web/one httpbin/up"].http.requestTimeoutMs: 3000',
    ),
    inline.gateways[0]?.text.join('\n'),
  );
});

test('a manifest that changes nothing touches no gateway', async () => {
  const { preview } = await withPolicy();
  const { objects, gateways, workers } = await preview(policy('30s'));
  assert.deepEqual([objects[0]?.change, gateways, workers], ['Unchanged', [], 0]);
});

test('later documents see the earlier ones: a namespace, a gateway in it, its policy; a List counts its items', async () => {
  const { preview, log, send } = await withPolicy();
  const inEdge = <Manifest extends { readonly metadata: object }>(manifest: Manifest) => ({
    ...manifest,
    metadata: { ...manifest.metadata, namespace: 'edge' },
  });
  const items = [NAMESPACE_MANIFEST, inEdge(gateway('agentgateway-proxy')), inEdge(policy('45s'))];
  const { objects, gateways, workers } = await preview({ apiVersion: 'v1', kind: 'List', items });
  assert.deepEqual(
    objects.map(({ document, change }) => [document, change]),
    [
      [1, 'Created'],
      [2, 'Created'],
      [3, 'Created'],
    ],
  );
  assert.deepEqual(
    gateways.map(({ gateway: { namespace }, change }) => [namespace, change]),
    [['edge', 'Created']],
  );
  assert.ok(gateways[0]?.text.includes('+ ports["3000"].tcp.idleSeconds: 45'));
  assert.equal(workers, 0);
  const reversed = await send('POST', '/v1/preview', { apiVersion: 'v1', kind: 'List', items: items.toReversed() });
  assert.deepEqual(causes(reversed), [
    ['metadata.namespace', 'document 1 (AgentgatewayPolicy edge/httpbin-keepalive): namespaces "edge" not found'],
    ['metadata.namespace', 'document 2 (Gateway edge/agentgateway-proxy): namespaces "edge" not found'],
  ]);
  assert.equal(log.objects({ namespace: 'edge' }).length, 0);
});

test('of two documents for one object the last counts', async () => {
  const { preview } = await withPolicy();
  const text = [policy('50s'), policy('60s')].map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  const { objects, gateways } = await preview(text, YAML);
  assert.deepEqual(
    objects.map(({ change }) => change),
    ['Changed', 'Changed'],
  );
  assert.equal(gateways[0]?.text[0], AFTER_60_S);
  const back = [policy('50s'), policy('30s')].map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  assert.deepEqual((await preview(back, YAML)).gateways, []);
});

test('all faults of all documents are told, and no diff', async () => {
  const { send, log } = await withPolicy();
  const head = log.head();
  const wrong = { ...policy('1ms'), spec: { ...policy('1ms').spec, colour: 'red' } };
  const stale = { ...policy('60s'), metadata: { ...TCP_POLICY.metadata, resourceVersion: '1' } };
  const documents = [policy('60s'), wrong, { kind: 'Pod' }, 7, gateway('Upper'), stale];
  const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
  const answer = await send('POST', '/v1/preview', text, YAML);
  const { code, reason, kind } = answer.json();
  assert.deepEqual([answer.statusCode, code, reason, kind], [422, 422, 'Invalid', 'Status']);
  const faults = causes(answer);
  assert.deepEqual(
    faults.map(([field, message]) => [field, message?.split(/[:(]/)[0]?.trim()]),
    [
      [undefined, 'document 2'],
      ['spec.frontend.tcp.keepalive.time', 'document 2'],
      ['apiVersion', 'document 3'],
      ['<nil>', 'document 4'],
      ['metadata.name', 'document 5'],
      ['metadata.resourceVersion', 'document 6'],
    ],
  );
  assert.match(faults[0]?.[1] ?? '', /unknown field "spec.colour"/);
  assert.equal(log.head(), head);
});

test('a document that is no object, without a type or of an unknown kind: each cause has a field and a reason', async () => {
  const { send } = await withPolicy();
  const documents = ['7', '{kind: Pod}', '{apiVersion: v1, kind: Pod}'].join('\n---\n');
  const { details } = (await send('POST', '/v1/preview', documents, YAML)).json();
  assert.deepEqual(details.causes, [
    { reason: 'FieldValueTypeInvalid', field: '<nil>', message: 'document 1: must be an object' },
    { reason: 'FieldValueRequired', field: 'apiVersion', message: 'document 2: needs apiVersion and kind' },
    {
      reason: 'FieldValueNotSupported',
      field: 'kind',
      message: 'document 3: kind Pod of apiVersion v1 is not served',
    },
  ]);
});

test('the findings of lint are about the set as a whole', async () => {
  const { preview } = await withPolicy();
  const annotated = gateway('agentgateway-proxy', { 'pulseplane.dev/environment': 'aws-nlb' });
  const late = await preview({ apiVersion: 'v1', kind: 'List', items: [policy('300s'), annotated] });
  for (const { warnings } of late.objects) assert.match(warnings.join('\n'), /drops silent connections after 350s/);
  const early = await preview({ apiVersion: 'v1', kind: 'List', items: [policy('60s'), annotated] });
  assert.deepEqual(
    early.objects.map(({ warnings }) => warnings),
    [[], []],
  );
});

test('what connected Envoys would do is told as it is to who stores the manifest', async () => {
  const { preview, send } = await withPolicy('envoy 1.40.0');
  assert.deepEqual((await preview(policy('30s'))).warnings, []);
  const { warnings } = await preview(policy('60s'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /Envoy closes the connections that are open on port 3000/);
  const stored = await send('PATCH', POLICY, { spec: policy('60s').spec }, { 'content-type': MERGE });
  assert.ok(String(stored.headers['warning']).includes(warnings[0] ?? '-'));
});

test('a body that is no set of manifests, or too large a one, is refused', async () => {
  const { send } = await createFixture();
  const tooMany = { apiVersion: 'v1', kind: 'List', items: Array.from({ length: MAX_PREVIEWED_OBJECTS + 1 }, () => 1) };
  for (const [body, headers, code, message] of [
    ['---\n', YAML, 400, /holds no objects/],
    ['{', {}, 400, /is not JSON/],
    ['a: [', YAML, 400, /is not YAML/],
    [tooMany, {}, 400, /holds 101 objects; at most 100 are allowed/],
    ['a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, /accepted media types/],
  ] as const) {
    const answer = await send('POST', '/v1/preview', body, headers);
    assert.equal(answer.statusCode, code);
    assert.match(answer.json().message, message);
  }
});

test('gateways above the limit are counted, not compared', async () => {
  const { preview } = await createPreview();
  const names = Array.from({ length: MAX_PREVIEWED_GATEWAYS + 3 }, (_, index) => `g${index}`);
  const items = names.map((name) => gateway(name));
  const { metadata, gateways } = await preview({ apiVersion: 'v1', kind: 'List', items });
  assert.deepEqual(
    [gateways.length, metadata],
    [MAX_PREVIEWED_GATEWAYS, { resourceVersion: '3', remainingItemCount: 3 }],
  );
});

/** An API whose projection follows the log, as in the service, with two workers of one gateway, busy on two ports. */
async function createPreview(userAgent = 'pulseplane') {
  const worker = {
    node: { id: 'w', role: 'httpbin~agentgateway-proxy', userAgent },
    gateway: { namespace: 'httpbin', name: 'agentgateway-proxy' },
    peer: '127.0.0.1:1',
    since: new Date(0),
    configured: true,
  };
  const clusterView = new ClusterView({
    workers: () => [worker, worker],
    onWorkers: () => () => undefined,
    now: () => new Date(0),
  });
  const { log } = await createFixture();
  const projection = new Projection(log);
  const envoyNotices = new EnvoyNotices(projection, { workers: () => [worker] });
  log.follow((events) => {
    for (const event of events) envoyNotices.committed(event.seq, projection.apply(event));
    envoyNotices.fleetChanged();
  });
  const fixture: ApiFixture = await createFixture({
    log,
    clusterView,
    // What is open on a port that the gateway does not have, or no longer, is not touched.
    workerReport: () => ({
      nonce: '',
      ports: new Map(),
      connections: new Map([
        [3_000, 3],
        [3_999, 5],
      ]),
    }),
    projectionAt: () => projection,
    envoyNotices,
  });
  const preview = async (body: unknown, headers: Record<string, string> = {}): Promise<Previewed> => {
    const answer = await fixture.send('POST', '/v1/preview', body, headers);
    assert.equal(answer.statusCode, 200, answer.body);
    return answer.json();
  };
  await fixture.send('POST', CLASSES, CLASS);
  return { ...fixture, preview };
}

async function withPolicy(userAgent?: string) {
  const fixture = await createPreview(userAgent);
  await fixture.send('POST', GATEWAYS, gateway('agentgateway-proxy'));
  await fixture.send('POST', POLICIES, TCP_POLICY);
  return fixture;
}

function policy(time: string) {
  const { spec } = TCP_POLICY;
  return { ...TCP_POLICY, spec: { ...spec, frontend: { tcp: { keepalive: { retries: 3, time, interval: '5s' } } } } };
}

function gateway(name: string, annotations = {}) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace: 'httpbin', annotations },
    spec: { gatewayClassName: 'agentgateway', listeners: [{ name: 'http', protocol: 'HTTP', port: 3_000 }] },
  };
}

function causes(answer: Awaited<ReturnType<ApiFixture['send']>>): readonly (readonly (string | undefined)[])[] {
  const { details } = answer.json() as { details: { causes: readonly { field?: string; message: string }[] } };
  return details.causes.map(({ field, message }) => [field, message]);
}

test('a manifest that takes the last finalizer off an object on its way out says that it would be gone', async () => {
  const { send } = await createFixture();
  const metadata = { ...TCP_POLICY.metadata, finalizers: ['example.com/hold'] };
  await send('POST', POLICIES, { ...TCP_POLICY, metadata });
  await send('DELETE', POLICY);
  const { objects } = (await send('POST', '/v1/preview', TCP_POLICY)).json();
  assert.match(objects[0].warnings.at(-1), /^metadata\.finalizers: the object is being deleted and would be gone/);
  assert.notEqual((await send('GET', POLICY)).statusCode, 404);
  const kept = (await send('POST', '/v1/preview', { ...TCP_POLICY, metadata })).json();
  assert.doesNotMatch(kept.objects[0].warnings.join(), /would be gone/);
});
