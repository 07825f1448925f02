import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { bootstrap } from '../command/index.ts';
import { seed } from './seed.ts';

const options = { now: () => new Date('2026-11-22T10:20:30Z'), newId: randomUUID, via: 'examples/httpbin' };
const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: {name: httpbin}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: demo, namespace: httpbin}
spec: {static: {host: 127.0.0.1, port: 8081}}
---
`;

async function freshLog() {
  const log = createMemoryEventLog();
  await bootstrap(log, { now: options.now().toISOString(), newId: randomUUID });
  return log;
}

test('documents are applied in order, and again without an event', async () => {
  const log = await freshLog();
  const first = await seed(log, MANIFEST, options);
  assert.ok(first.ok);
  assert.deepEqual(
    first.value.map(({ kind, name }) => `${kind}/${name}`),
    ['Namespace/httpbin', 'AgentgatewayBackend/demo'],
  );
  assert.equal(log.head(), 4);
  assert.deepEqual(log.read({ from: 4, limit: 1 })[0]?.actor, { user: 'system', via: 'examples/httpbin' });
  assert.ok((await seed(log, MANIFEST, options)).ok);
  assert.equal(log.head(), 4);
});

test('a later document for the same object replaces the earlier', async () => {
  const log = await freshLog();
  const changed = MANIFEST + MANIFEST.replace('8081', '9090');
  assert.ok((await seed(log, changed, options)).ok);
  const [stored] = log.objects({ kind: 'AgentgatewayBackend' });
  assert.deepEqual(stored?.object.spec, { static: { host: '127.0.0.1', port: 9090 } });
  assert.equal(stored?.object.metadata.generation, 2);
});

test('an object without a namespace goes to default', async () => {
  const log = await freshLog();
  assert.ok((await seed(log, MANIFEST.replace(', namespace: httpbin', ''), options)).ok);
  assert.equal(log.objects({ kind: 'AgentgatewayBackend' })[0]?.ref.namespace, 'default');
});

const REFUSED: readonly (readonly [name: string, yaml: string, message: RegExp])[] = [
  ['an unknown kind', 'apiVersion: v1\nkind: Pod', /^document 1: kind Pod of apiVersion v1 is not served$/],
  [
    'an unknown field',
    MANIFEST.replace('port: 8081', 'port: 8081, tls: {}'),
    /^document 2: AgentgatewayBackend: .*unknown field "spec\.static\.tls"$/,
  ],
  ['an invalid value', MANIFEST.replace('8081', '0'), /^document 2: .*spec\.static\.port: Invalid value: 0/],
  [
    'a missing namespace',
    MANIFEST.replace('name: httpbin', 'name: other'),
    /^document 2: .*namespaces "httpbin" not found$/,
  ],
  ['no object', '- a', /^document 1: must be an object$/],
  ['no YAML', 'a: [', /^the text is not YAML/],
];

for (const [name, yaml, message] of REFUSED) {
  test(`${name} is refused by document`, async () => {
    const result = await seed(await freshLog(), yaml, options);
    assert.match(result.ok ? 'applied' : result.error, message);
  });
}
