import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import { RESOURCE_KINDS } from '@pulseplane/resources';
import { validate } from '@readme/openapi-parser';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import {
  type ApiFixture,
  createFixture,
  JSON_PATCH,
  MERGE,
  POLICIES,
  POLICY,
  TCP_POLICY,
} from './testing/api-fixture.ts';

type Operation = {
  readonly operationId: string;
  readonly responses: {
    readonly [code: string]: { readonly content?: { readonly [type: string]: { readonly schema?: object } } };
  };
};
type Document = {
  readonly openapi: '3.0.0';
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

async function documentsOf({ send }: ApiFixture): Promise<ReadonlyMap<string, Document>> {
  const { paths } = (await send('GET', '/openapi/v3')).json() as {
    readonly paths: { readonly [path: string]: { readonly serverRelativeURL: string } };
  };
  const documents = Object.entries(paths).map(async ([path, { serverRelativeURL }]) => {
    const document = (await send('GET', serverRelativeURL)).json() as Document;
    return [path, document] as const;
  });
  return new Map(await Promise.all(documents));
}

const fixture = await createFixture();
const DOCUMENTS = await documentsOf(fixture);
await fixture.app.close();

/** The validator writes into what it is given. */
function copyOf(document: Document | undefined): Parameters<typeof validate>[0] {
  return structuredClone(document) as unknown as Parameters<typeof validate>[0];
}

describe('documents are OpenAPI 3.0, as a public validator sees it', () => {
  for (const [path, document] of DOCUMENTS) {
    test(path, async () => {
      const result = await validate(copyOf(document));
      assert.ok(result.valid, JSON.stringify(result, null, 1));
      assert.deepEqual(result.warnings, []);
    });
  }

  test('a document with a fault is refused', async () => {
    const broken = copyOf(DOCUMENTS.get('v1'));
    Object.assign(broken, { paths: { '/a/{b}': { get: { responses: { 200: { $ref: '#/nowhere' } } } } } });
    assert.equal((await validate(broken)).valid, false);
  });
});

test('every path of the server is in a document, with the methods that it has and no other', async () => {
  const { app } = await createFixture();
  const documented = new Map<string, string>();
  for (const { paths } of DOCUMENTS.values()) {
    for (const [path, operations] of Object.entries(paths)) {
      const methods = METHODS.filter((method) => method.toLowerCase() in operations);
      assert.equal(documented.get(anonymous(path)), undefined, `${path} is in two documents`);
      documented.set(anonymous(path), methods.join());
    }
  }
  const served = new Map<string, string>();
  for (const path of routesOf(app)) {
    const methods: string[] = [];
    for (const method of METHODS) if (await takes(app, method, path)) methods.push(method);
    served.set(anonymous(path), methods.join());
  }
  assert.ok(served.size > 70, `${served.size} routes`);
  assert.deepEqual(Object.fromEntries([...served].sort()), Object.fromEntries([...documented].sort()));
  await app.close();
});

test('every operation has an id of its own', () => {
  const ids = [...DOCUMENTS.values()].flatMap(({ paths }) =>
    Object.values(paths).flatMap((operations) =>
      METHODS.flatMap((method) => operations[method.toLowerCase()]?.operationId ?? []),
    ),
  );
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  );
});

test('answers are what the documents say of them', async (context) => {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  log.follow((events) => events.map((event) => projection.apply(event)));
  const api = await createFixture({
    log,
    statusOf: (stored) => projection.status(stored, () => ({ kind: 'no-workers' })),
  });
  context.after(() => api.app.close());
  const judge = createJudge();
  const ask = async (...[method, url, body, headers]: Parameters<typeof api.send>): Promise<void> => {
    const answer = await api.send(method, url, body, headers);
    judge(method, url, answer.statusCode, String(answer.headers['content-type'] ?? ''), answer.body);
  };
  for (const path of ['/version', '/healthz', '/readyz', '/api', '/apis', '/apis/apps', '/api/v1', '/openapi/v3']) {
    await ask('GET', path);
  }
  for (const { group, version, namespaced, plural, hasStatus } of RESOURCE_KINDS) {
    const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const collection = namespaced ? `${base}/namespaces/httpbin/${plural}` : `${base}/${plural}`;
    const object = OBJECTS[plural];
    assert.ok(object !== undefined, `no ${plural} to ask about`);
    const item = `${collection}/${object.metadata.name}`;
    const changed = { ...object, metadata: { ...object.metadata, labels: { tier: 'edge' } } };
    await ask('POST', collection, object);
    await ask('POST', collection, object);
    await ask('POST', collection, { ...object, spec: 5 });
    await ask('GET', item);
    if (hasStatus) {
      await ask('GET', `${item}/status`);
      await ask('PUT', `${item}/status`, object);
      await ask('PATCH', `${item}/status`, { status: {} }, { 'content-type': MERGE });
    }
    await ask('GET', collection);
    await ask('GET', `${collection}?limit=1`);
    if (namespaced) await ask('GET', `${base}/${plural}`);
    await ask('PATCH', `${item}?fieldManager=ci`, changed, { 'content-type': 'application/apply-patch+yaml' });
    await ask('PATCH', item, { metadata: { labels: { tier: null } } }, { 'content-type': MERGE });
    await ask('PATCH', item, [{ op: 'test', path: '/x', value: 1 }], { 'content-type': JSON_PATCH });
    const { metadata } = (await api.send('GET', item)).json() as { readonly metadata: object };
    await ask('PUT', item, { ...changed, metadata: { ...metadata, labels: { tier: 'core' } } });
    await ask('PUT', item, changed);
    await ask('GET', `${item}/history`);
    await ask('GET', `${item}/diff?from=1`);
    await ask('POST', `${item}/rollback?to=${api.log.head()}`);
    await ask('DELETE', item);
    await ask('GET', item);
    await ask('POST', `${item}/undelete`);
    if (plural !== 'namespaces') await ask('DELETE', `${collection}?dryRun=All`);
  }
  const gateway = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways/agentgateway-proxy/effective';
  await api.send('POST', POLICIES, TCP_POLICY);
  for (const query of ['', '?explain=true', '?port=x']) await ask('GET', gateway + query);
  await ask('GET', '/v1/lint');
  await ask('GET', '/v1/lint?rule=x');
  await ask('POST', '/v1/preview', { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, name: 'other' } });
  await ask('POST', '/v1/preview', { ...TCP_POLICY, spec: {} });
  await ask('GET', '/v1/events?from=0');
  for (const [kind, spec] of [
    ['SelfSubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } }],
    ['SelfSubjectRulesReview', { namespace: 'default' }],
  ] as const) {
    const apiVersion = 'authorization.k8s.io/v1';
    await ask('POST', `/apis/${apiVersion}/${kind.toLowerCase()}s`, { apiVersion, kind, spec });
  }
  await ask('GET', '/api/v1/pods');
  await ask('GET', '/api/v1/namespaces/default/pods/x/log');
  const { statusCode, body } = await api.send('GET', POLICY);
  assert.ok(judge('GET', POLICY, statusCode, 'application/json', body) > 150, 'few answers were judged');
  const more = body.replace('"spec":', '"other":1,"spec":');
  assert.throws(() => judge('GET', POLICY, statusCode, 'application/json', more), /additional properties/);
});

type KnownObject = { readonly metadata: { readonly name: string } } & { readonly [field: string]: unknown };

const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'demo' }];
const parentRefs = [{ name: 'agentgateway-proxy' }];

const OBJECTS: { readonly [plural: string]: KnownObject } = {
  namespaces: { ...object('v1', 'Namespace', 'demo'), metadata: { name: 'demo' } },
  agentgatewaybackends: object('agentgateway.dev/v1alpha1', 'AgentgatewayBackend', 'demo', {
    static: { host: '127.0.0.1', port: 9000 },
  }),
  agentgatewaypolicies: TCP_POLICY,
  secrets: {
    ...object('v1', 'Secret', 'demo'),
    type: 'kubernetes.io/tls',
    stringData: {
      'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'tls.key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    },
  },
  gatewayclasses: {
    ...object('gateway.networking.k8s.io/v1', 'GatewayClass', 'demo', { controllerName: 'agentgateway.dev/demo' }),
    metadata: { name: 'demo' },
  },
  gateways: object('gateway.networking.k8s.io/v1', 'Gateway', 'agentgateway-proxy', {
    gatewayClassName: 'agentgateway',
    listeners: [
      { name: 'http', protocol: 'HTTP', port: 3000 },
      { name: 'tcp', protocol: 'TCP', port: 3001 },
    ],
  }),
  httproutes: object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'demo', { parentRefs, rules: [{ backendRefs }] }),
  tcproutes: object('gateway.networking.k8s.io/v1alpha2', 'TCPRoute', 'demo', { parentRefs, rules: [{ backendRefs }] }),
  tlsroutes: object('gateway.networking.k8s.io/v1alpha2', 'TLSRoute', 'demo', {
    hostnames: ['a.example'],
    parentRefs,
    rules: [{ backendRefs }],
  }),
};

function object(apiVersion: string, kind: string, name: string, spec?: object) {
  return { apiVersion, kind, metadata: { name, namespace: 'httpbin' }, ...(spec !== undefined && { spec }) };
}

/** The paths of the router's tree, where each line goes on from the one that it is indented under. */
function routesOf(app: FastifyInstance): readonly string[] {
  const parents: string[] = [];
  const paths: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', segment = ''] = /^([│ ]*)[├└]── (\S+) \(/.exec(line) ?? [];
    if (segment === '') continue;
    const depth = indent.length / 4;
    const path = (parents[depth - 1] ?? '') + segment;
    parents.splice(depth, Number.POSITIVE_INFINITY, path);
    paths.push(path);
  }
  return paths;
}

/** Whether the path has the method: everything else is answered with 405, or with 404 where no route is. */
async function takes(app: FastifyInstance, method: HTTPMethods, path: string): Promise<boolean> {
  const url = path.replaceAll(/:[a-z|:]+/g, 'nothing');
  // A stream would go on; from a version that is not there yet it is refused.
  const answer = await app.inject({
    method: method as 'GET',
    url: `${url}?from=999999`,
    headers: { host: 'localhost' },
  });
  if (answer.statusCode === 405) return false;
  return !answer.body.includes('the server could not find the requested resource');
}

/** A path without the names of its parameters. */
function anonymous(path: string): string {
  return path.replaceAll(/\{[a-z]+\}|:[a-z|:]+/g, '{}');
}

/** Checks an answer against the schema that its operation has for it, and gives how many it has checked. */
function createJudge() {
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { int32: true, int64: true } });
  addFormats.default(ajv);
  let judged = 0;
  for (const [path, document] of DOCUMENTS) ajv.addSchema(closed(document) as object, path);
  return (method: string, url: string, code: number, contentType: string, body: string): number => {
    const [path = ''] = url.split('?', 1);
    const about = `${method} ${url} ${code}`;
    const found = find(path, method.toLowerCase());
    assert.ok(found !== undefined, `${about}: no operation`);
    const { responses } = found.operation;
    const key = String(code) in responses ? String(code) : 'default';
    const { content } = responses[key] ?? {};
    assert.ok(content !== undefined, `${about}: no such answer`);
    const type = contentType.split(';', 1)[0] ?? '';
    assert.ok(type in content, `${about}: ${contentType}`);
    judged += 1;
    if (type !== 'application/json') return judged;
    const steps = ['paths', found.path, method.toLowerCase(), 'responses', key, 'content', type, 'schema'];
    const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const check = ajv.compile({ $ref: `${found.document}#/${pointer}` });
    assert.ok(check(JSON.parse(body)), `${about}: ${ajv.errorsText(check.errors)}\n${body}`);
    return judged;
  };
}

function find(path: string, method: string) {
  for (const [document, { paths }] of DOCUMENTS) {
    for (const [template, operations] of Object.entries(paths)) {
      const operation = operations[method];
      const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{[a-z]+\}/g, '[^/]+')}$`);
      if (operation !== undefined && pattern.test(path)) return { document, path: template, operation };
    }
  }
  return undefined;
}

/** A document whose objects have the fields that it names and no others, so that it has to name all. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== 'object' || part === null) return part;
  const parts = Object.entries(part).map(([name, value]) => [name, closed(value)] as const);
  const isClosed =
    'properties' in part && 'type' in part && part.type === 'object' && !('additionalProperties' in part);
  return { ...Object.fromEntries(parts), ...(isClosed && { additionalProperties: false }) };
}
