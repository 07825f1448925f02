import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFixture, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const BETA = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
const TABLE =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

test('the version is one that kubectl knows', async () => {
  const { send } = await createFixture();
  const { major, minor, gitVersion } = (await send('GET', '/version?timeout=5s')).json();
  assert.deepEqual({ major, minor, gitVersion }, { major: '1', minor: '32', gitVersion: 'v1.32.0' });
});

test('discovery is aggregated for clients that ask for it, and in its old form for all others', async () => {
  const { send } = await createFixture();
  for (const path of ['/api', '/apis']) {
    const aggregated = await send('GET', path, undefined, { accept: `${AGGREGATED},${BETA},application/json` });
    assert.equal(aggregated.headers['content-type'], AGGREGATED);
    assert.equal(aggregated.json().kind, 'APIGroupDiscoveryList');
    for (const accept of ['application/json', '*/*', `${BETA},application/json`, `application/json,${AGGREGATED}`]) {
      const plain = await send('GET', path, undefined, { accept });
      assert.equal(plain.json().kind, path === '/api' ? 'APIVersions' : 'APIGroupList', accept);
    }
  }
});

test('every kind is in both forms of discovery', async () => {
  const { send } = await createFixture();
  const legacy: string[] = [];
  for (const path of [
    '/api/v1',
    '/apis/agentgateway.dev/v1alpha1',
    '/apis/apps/v1',
    '/apis/authentication.k8s.io/v1',
    '/apis/authorization.k8s.io/v1',
    '/apis/gateway.networking.k8s.io/v1',
    '/apis/gateway.networking.k8s.io/v1alpha2',
  ]) {
    const list = (await send('GET', path)).json();
    assert.equal(list.kind, 'APIResourceList');
    legacy.push(
      ...list.resources.map(({ name }: { name: string }) => name).filter((name: string) => !name.includes('/')),
    );
  }
  const aggregated: string[] = [];
  for (const path of ['/api', '/apis']) {
    const { items } = (await send('GET', path, undefined, { accept: AGGREGATED })).json();
    for (const { versions } of items) {
      for (const { resources } of versions)
        aggregated.push(...resources.map(({ resource }: { resource: string }) => resource));
    }
  }
  const all = [
    'agentgatewaybackends',
    'agentgatewaypolicies',
    'deployments',
    'events',
    'gatewayclasses',
    'gateways',
    'httproutes',
    'namespaces',
    'pods',
    'secrets',
    'selfsubjectaccessreviews',
    'selfsubjectreviews',
    'selfsubjectrulesreviews',
    'tcproutes',
    'tlsroutes',
  ];
  assert.deepEqual(legacy.sort(), all);
  assert.deepEqual(aggregated.sort(), all);
  assert.equal((await send('GET', '/apis/gateway.networking.k8s.io')).json().preferredVersion.version, 'v1');
});

test('the paths below an object are in both forms of discovery, and are served', async () => {
  const { send, app } = await createFixture();
  const own = { group: 'gateway.networking.k8s.io', version: 'v1', kind: 'Gateway' };
  const past = { group: 'pulseplane.dev', version: 'v1' };
  const expected: readonly (readonly [name: string, kind: object, verbs: readonly string[]])[] = [
    ['status', own, ['get', 'patch', 'update']],
    ['history', { ...past, kind: 'ObjectHistory' }, ['get']],
    ['diff', { ...past, kind: 'ObjectDiff' }, ['get']],
    ['rollback', own, ['create']],
    ['undelete', own, ['create']],
    ['effective', { ...past, kind: 'EffectiveConfig' }, ['get']],
  ];
  const { resources } = (await send('GET', '/apis/gateway.networking.k8s.io/v1')).json();
  const plain = resources
    .filter(({ name }: { name: string }) => name.startsWith('gateways/'))
    .map(({ name, singularName, namespaced, verbs, ...of }: Record<string, unknown>) => {
      assert.deepEqual([singularName, namespaced], ['', true]);
      return [String(name).slice('gateways/'.length), { group: own.group, version: own.version, ...of }, verbs];
    });
  assert.deepEqual(plain, expected);
  const { items } = (await send('GET', '/apis', undefined, { accept: AGGREGATED })).json();
  const gateways = items
    .flatMap(({ versions }: { versions: readonly { resources: readonly object[] }[] }) =>
      versions.flatMap((version) => version.resources),
    )
    .find(({ resource }: { resource: string }) => resource === 'gateways');
  const aggregated = gateways.subresources.map(({ subresource, responseKind, verbs }: Record<string, unknown>) => [
    subresource,
    responseKind,
    verbs,
  ]);
  assert.deepEqual(aggregated, expected);
  for (const [name, , verbs] of expected) {
    const url = `/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways/none/${name}`;
    const allowed = verbs[0] === 'get' ? 'GET' : 'POST';
    for (const method of ['GET', 'POST'] as const) {
      const { statusCode } = await send(method, url);
      assert.equal(statusCode === 405, method !== allowed, `${method} ${name}: ${statusCode}`);
    }
    assert.ok(app.hasRoute({ method: allowed, url: url.replace('httpbin', ':namespace').replace('none', ':name') }));
  }
});

test('documents that do not change have an ETag', async () => {
  const { send } = await createFixture();
  for (const path of ['/api', '/apis', '/openapi/v3', '/openapi/v3/api/v1']) {
    const first = await send('GET', path);
    const etag = String(first.headers['etag']);
    assert.match(etag, /^"[0-9A-F]{32}"$/);
    const second = await send('GET', path, undefined, { 'if-none-match': etag });
    assert.equal(second.statusCode, 304);
    assert.equal(second.body, '');
  }
});

test('OpenAPI version 2 is empty and of the type that kubectl expects, and for others not there', async () => {
  const { send } = await createFixture();
  const asked = await send('GET', '/openapi/v2', undefined, { accept: '*/*' });
  assert.deepEqual([asked.statusCode, asked.json().reason], [404, 'NotFound']);
  assert.match(asked.json().message, /\/openapi\/v3$/);
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const answer = await send('GET', '/openapi/v2', undefined, { accept });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.body, '');
  assert.equal(answer.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
});

test('OpenAPI version 3 has a document for each group version, made of the schemas', async () => {
  const { send } = await createFixture();
  const { paths } = (await send('GET', '/openapi/v3')).json();
  assert.deepEqual(Object.keys(paths).sort(), [
    'api/v1',
    'apis/agentgateway.dev/v1alpha1',
    'apis/apps/v1',
    'apis/authentication.k8s.io/v1',
    'apis/authorization.k8s.io/v1',
    'apis/gateway.networking.k8s.io/v1',
    'apis/gateway.networking.k8s.io/v1alpha2',
    'v1',
  ]);
  const { body, statusCode } = await send('GET', paths['apis/agentgateway.dev/v1alpha1'].serverRelativeURL);
  assert.equal(statusCode, 200);
  assert.doesNotMatch(body, /x-pulseplane/);
  const document = JSON.parse(body);
  const path = '/apis/agentgateway.dev/v1alpha1/namespaces/{namespace}/agentgatewaypolicies/{name}';
  const names = document.paths[path].patch.parameters.map(({ name }: { name: string }) => name);
  assert.ok(names.includes('fieldValidation'));
  const schema = document.components.schemas['dev.agentgateway.v1alpha1.AgentgatewayPolicy'];
  assert.deepEqual(schema['x-kubernetes-group-version-kind'], [
    { group: 'agentgateway.dev', version: 'v1alpha1', kind: 'AgentgatewayPolicy' },
  ]);
  assert.equal(
    schema.properties.spec.properties.frontend.properties.tcp.properties.keepalive.properties.retries.maximum,
    64,
  );
  const { $ref } = schema.properties.metadata.allOf[0];
  assert.ok(document.components.schemas[$ref.split('/').at(-1)]);
});

test('OpenAPI documents the paths of the past', async () => {
  const { send } = await createFixture();
  const { paths, components } = (await send('GET', '/openapi/v3/apis/gateway.networking.k8s.io/v1')).json();
  const item = '/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways/{name}';
  for (const name of ['history', 'diff', 'rollback', 'undelete', 'effective'])
    assert.ok(paths[`${item}/${name}`], name);
  const names = (method: string) => paths[item][method].parameters.map(({ name }: { name: string }) => name);
  assert.ok(names('get').includes('at'));
  assert.ok(names('put').includes('Idempotency-Key'));
  const { $ref } = paths[`${item}/history`].get.responses[200].content['application/json'].schema;
  assert.ok(components.schemas[$ref.split('/').at(-1)]);
});

test('OpenAPI documents no path that is not served', async () => {
  const { send, app } = await createFixture();
  const { paths: documents } = (await send('GET', '/openapi/v3')).json();
  const seen: string[] = [];
  for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(documents)) {
    const { paths } = (await send('GET', serverRelativeURL)).json();
    for (const [path, { parameters: _, ...operations }] of Object.entries<Record<string, object>>(paths)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      for (const method of Object.keys(operations)) {
        assert.ok(app.hasRoute({ method: method.toUpperCase() as 'GET', url }), `${method} ${url}`);
        seen.push(`${method} ${url}`);
      }
    }
  }
  assert.ok(seen.includes('get /v1/events'));
  assert.ok(seen.includes('get /v1/lint'));
  assert.ok(seen.includes('get /apis/gateway.networking.k8s.io/v1/gateways'));
});

test('OpenAPI documents how a list is watched, in a namespace and in all', async () => {
  const { send } = await createFixture();
  const { paths } = (await send('GET', '/openapi/v3/apis/gateway.networking.k8s.io/v1')).json();
  for (const path of ['namespaces/{namespace}/gateways', 'gateways']) {
    const parameters: readonly { readonly name: string; readonly in: string; readonly schema: { type: string } }[] =
      paths[`/apis/gateway.networking.k8s.io/v1/${path}`].get.parameters;
    assert.deepEqual(
      parameters.filter((each) => each.in === 'query').map(({ name, schema }) => `${name} ${schema.type}`),
      [
        'labelSelector string',
        'fieldSelector string',
        'limit integer',
        'continue string',
        'watch boolean',
        'resourceVersion string',
        'resourceVersionMatch string',
        'allowWatchBookmarks boolean',
        'sendInitialEvents boolean',
        'timeoutSeconds integer',
        'at string',
      ],
    );
  }
});

test('kubectl get has a Table, for one object and for a list', async () => {
  const conditions = [
    { type: 'Accepted', status: 'True' },
    { type: 'Attached', status: 'False' },
  ];
  const { send } = await createFixture({
    statusOf: ({ ref }) => (ref.kind === 'AgentgatewayPolicy' ? { ancestors: [{ conditions }] } : undefined),
    now: () => new Date('2026-11-22T10:23:42Z'),
  });
  await send('POST', POLICIES, TCP_POLICY);
  for (const url of [POLICIES, POLICY]) {
    const table = (await send('GET', url, undefined, { accept: TABLE })).json();
    assert.equal(table.kind, 'Table');
    assert.deepEqual(
      table.columnDefinitions.map(({ name }: { name: string }) => name),
      ['Name', 'Accepted', 'Attached', 'Age'],
    );
    assert.deepEqual(table.rows[0].cells, ['httpbin-keepalive', 'True', 'False', '0s']);
    assert.equal(table.rows[0].object.kind, 'PartialObjectMetadata');
    assert.equal(table.rows[0].object.metadata.namespace, 'httpbin');
  }
  const whole = (await send('GET', `${POLICIES}?includeObject=Object`, undefined, { accept: TABLE })).json();
  assert.equal(whole.rows[0].object.kind, 'AgentgatewayPolicy');
  const bare = (await send('GET', `${POLICIES}?includeObject=None`, undefined, { accept: TABLE })).json();
  assert.equal(bare.rows[0].object, null);
});

test('a column without a value is blank, and errors are never Tables', async () => {
  const { send } = await createFixture();
  await send('POST', POLICIES, TCP_POLICY);
  const table = (await send('GET', POLICIES, undefined, { accept: TABLE })).json();
  assert.deepEqual(table.rows[0].cells.slice(1, 3), [null, null]);
  assert.equal((await send('GET', `${POLICIES}/none`, undefined, { accept: TABLE })).json().kind, 'Status');
});

test('the root lists the paths that no object has', async () => {
  const { send } = await createFixture();
  const { paths } = (await send('GET', '/')).json();
  for (const path of ['/api', '/api/v1', '/apis', '/apis/apps/v1', '/healthz', '/openapi/v3', '/v1/lint', '/version']) {
    assert.ok(paths.includes(path), path);
    assert.ok((await send('GET', path)).statusCode < 400, path);
  }
  for (const path of paths) assert.doesNotMatch(path, /pods|polic|namespaces|:/);
});
