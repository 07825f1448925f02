import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createMemoryEventLog, newSealingKeyFile, parseSealingKeys, sealSecrets } from '@pulseplane/event-log';
import { type ApiFixture, createFixture, JSON_PATCH, MERGE } from './testing/api-fixture.ts';
import { noKubectl } from './testing/real-kubectl.ts';
import { listen } from './testing/stream-client.ts';

const SECRETS = '/api/v1/namespaces/httpbin/secrets';
const SECRET = `${SECRETS}/cert`;
const APPLY = 'application/apply-patch+yaml';
const PEM = {
  'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  'tls.key': '-----BEGIN PRIVATE KEY-----\nQWxsIGtleXM=\n-----END PRIVATE KEY-----\n',
};
const OTHER_KEY = PEM['tls.key'].replace('QWxs', 'Tm9u');
/** What may be nowhere but in the answer to who asks for the Secret itself: as text and in base64. */
const PRIVATE = /BEGIN PRIVATE KEY|LS0tLS1CRUdJTiBQUklWQVRFIEtFW/;

const manifest = (key: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'cert', namespace: 'httpbin', annotations: lastApplied(key) },
  type: 'kubernetes.io/tls',
  stringData: { ...PEM, 'tls.key': key },
});
const lastApplied = (key: string) => ({
  'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { 'tls.key': btoa(key) } }),
});

function createSealed(): Promise<ApiFixture> {
  return createFixture({ log: sealSecrets(createMemoryEventLog(), parseSealingKeys(newSealingKeyFile())) });
}

test('a Secret is read, changed, rolled back and undeleted with its values', async () => {
  const { send } = await createSealed();
  const created = await send('POST', SECRETS, manifest(PEM['tls.key']));
  assert.equal(created.statusCode, 201, created.body);
  const { data, generation, stringData } = created.json();
  assert.deepEqual(
    [Buffer.from(data['tls.key'], 'base64').toString(), generation, stringData],
    [PEM['tls.key'], undefined, undefined],
  );
  const changed = await send('PATCH', SECRET, { stringData: { 'tls.key': OTHER_KEY } }, { 'content-type': MERGE });
  assert.equal(changed.json().data['tls.key'], btoa(OTHER_KEY));
  const again = await send('PATCH', SECRET, { data: { 'tls.key': btoa(OTHER_KEY) } }, { 'content-type': MERGE });
  assert.equal(again.json().metadata.resourceVersion, changed.json().metadata.resourceVersion);
  const back = await send('POST', `${SECRET}/rollback`, { to: 3 });
  assert.equal(back.json().data['tls.key'], btoa(PEM['tls.key']), back.body);
  await send('DELETE', SECRET);
  assert.equal((await send('POST', `${SECRET}/undelete`)).json().data['tls.key'], btoa(PEM['tls.key']));
  assert.equal((await send('GET', `${SECRET}?at=4`)).json().data['tls.key'], btoa(OTHER_KEY));
});

test('history, diff, the stream of events and faults tell that values changed, never what they are', async () => {
  const { app, send, errors } = await createSealed();
  await send('POST', SECRETS, manifest(PEM['tls.key']));
  await send('PUT', SECRET, manifest(OTHER_KEY));
  const history = await send('GET', `${SECRET}/history`);
  assert.deepEqual(history.json().items[0].diff, ['data["tls.key"]: "*** (before)" -> "*** (after)"']);
  const diff = await send('GET', `${SECRET}/diff?from=3`);
  const faults = [
    await send('PATCH', SECRET, { data: { 'tls.key': 5 } }, { 'content-type': MERGE }),
    await send('PATCH', `${SECRET}?fieldValidation=Strict`, { unknown: 1 }, { 'content-type': MERGE }),
    await send('PATCH', SECRET, [{ op: 'test', path: '/data', value: {} }], { 'content-type': JSON_PATCH }),
    await send('PATCH', SECRET, [{ op: 'replace', path: '/type', value: 'a' }], { 'content-type': JSON_PATCH }),
    await send('PUT', `${SECRET}?fieldValidation=Strict`, { ...manifest(OTHER_KEY), unknown: 1 }),
    await send('POST', SECRETS, {
      ...manifest(OTHER_KEY),
      stringData: { 'tls.key': `${OTHER_KEY}x`, 'tls.crt': 'no' },
    }),
    await send('POST', SECRETS, manifest(OTHER_KEY)),
    await send('POST', SECRETS, JSON.stringify(manifest(OTHER_KEY)).replace('"-----BEGIN PR', '-----BEGIN PR')),
  ];
  for (const data of [[OTHER_KEY], OTHER_KEY, { 'tls.key': [OTHER_KEY] }]) {
    const applied = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cert' }, data };
    const said = await send('PATCH', `${SECRET}?fieldManager=m`, applied, { 'content-type': APPLY });
    assert.deepEqual([said.statusCode, PRIVATE.test(said.body)], [500, false], said.body);
  }
  for (const { statusCode, body } of faults) assert.match(String(statusCode), /^4/, body);
  for (const { body } of [history, diff, ...faults]) assert.doesNotMatch(body, PRIVATE);
  assert.deepEqual(errors, []);

  await app.listen({ host: '127.0.0.1', port: 0 });
  const abort = new AbortController();
  const { port } = app.server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}/v1/events?from=3`, { signal: abort.signal });
  let said = '';
  for await (const chunk of body ?? []) {
    said += Buffer.from(chunk).toString();
    if (said.includes('id: 4\n')) break;
  }
  abort.abort();
  await app.close();
  assert.match(said, /"data":\{"tls.crt":"\*\*\*","tls.key":"\*\*\*"\}/);
  assert.doesNotMatch(said, PRIVATE);
});

test('without a key, a Secret is refused with the reason and nothing else is', async () => {
  const { send } = await createFixture({ log: sealSecrets(createMemoryEventLog(), []) });
  const refused = await send('POST', SECRETS, manifest(PEM['tls.key']));
  assert.equal(refused.statusCode, 503, refused.body);
  assert.match(refused.json().message, /no key to seal Secrets with/);
});

test('a Secret that no key opens is a fault of the server, which names it and its key, and never shows the box', async (context) => {
  const below = createMemoryEventLog();
  const [key] = parseSealingKeys(newSealingKeyFile());
  const [other] = parseSealingKeys(newSealingKeyFile());
  const first = await createFixture({ log: sealSecrets(below, [key]) });
  await first.send('POST', SECRETS, manifest(PEM['tls.key']));
  const { app, send, errors } = await createFixture({ log: sealSecrets(below, [other]) });
  const open = { ...manifest(OTHER_KEY), metadata: { name: 'open' } };
  assert.equal((await send('POST', SECRETS, open)).statusCode, 201);
  assert.equal((await send('GET', `${SECRETS}/open`)).statusCode, 200);
  const faults = [
    await send('GET', SECRET),
    await send('GET', SECRETS),
    await send('GET', SECRET, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    await send('PATCH', SECRET, { metadata: { labels: { a: 'b' } } }, { 'content-type': MERGE }),
    await send('PATCH', `${SECRET}?fieldManager=m`, manifest(OTHER_KEY), { 'content-type': APPLY }),
    await send('POST', `${SECRET}/rollback`, { to: 3 }),
  ];
  for (const { statusCode, body } of faults) {
    assert.equal(statusCode, 500, body);
    assert.match(body, new RegExp(`the Secret httpbin/cert cannot be opened: it is sealed with the key ${key.id},`));
  }
  const base = await listen(app);
  context.after(() => app.close());
  const watched = await (await fetch(`${base}${SECRETS}?watch=true`)).text();
  assert.match(watched, /^\{"type":"ERROR",.*"reason":"SecretSealed"/m);
  const history = await send('GET', `${SECRET}/history`);
  const { body } = await fetch(`${base}/v1/events?from=3`);
  const [told] =
    (await body
      ?.values()
      .next()
      .then(({ value }) => [Buffer.from(value ?? []).toString()])) ?? [];
  assert.match(told ?? '', /"name":"cert"/);
  for (const text of [...faults.map((fault) => fault.body), watched, history.body, told]) {
    assert.doesNotMatch(text ?? '', /"box"/);
  }
  assert.deepEqual(errors, []);
  assert.equal((await send('DELETE', SECRET)).statusCode, 200);
  assert.equal((await send('GET', SECRETS)).json().items.length, 1);
});

test('kubectl makes, applies, shows and describes Secrets', { skip: noKubectl }, async () => {
  const { app } = await createSealed();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const home = mkdtempSync(join(tmpdir(), 'pulseplane-kubectl-'));
  const bash = async (command: string): Promise<string> => {
    const child = spawn(
      'bash',
      ['-c', `kubectl() { command kubectl --server ${server} -n httpbin "$@"; }; ${command}`],
      {
        env: { PATH: process.env['PATH'] ?? '', HOME: home },
      },
    );
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    await once(child, 'close');
    return (await output).join('');
  };
  await bash(`printf '%s' '${PEM['tls.crt']}' > ${home}/crt; printf '%s' '${PEM['tls.key']}' > ${home}/key`);
  // kubectl looks into the files of `create secret tls`; a generic one of the same type is taken as it is.
  const create = `create secret generic cert --type=kubernetes.io/tls --from-file=tls.crt=${home}/crt --from-file=tls.key=${home}/key`;
  assert.equal(await bash(`kubectl ${create}`), 'secret/cert created\n');
  assert.match(await bash('kubectl get secrets'), /^NAME +TYPE +DATA +AGE\ncert +kubernetes.io\/tls +2 +\S+\n$/);
  assert.match(
    await bash('kubectl describe secret cert'),
    /Type: +kubernetes.io\/tls\n\nData\n====\n(tls.(crt|key): +\d+ bytes\n){2}/,
  );
  assert.equal(await bash(`kubectl get secret cert -o jsonpath='{.data.tls\\.key}' | base64 -d`), PEM['tls.key']);
  const file = `${home}/s.yaml`;
  await bash(`kubectl ${create} --dry-run=client -o yaml | sed 's/cert$/applied/; /creationTimestamp/d' > ${file}`);
  assert.equal(
    await bash(`kubectl apply -f ${file}; kubectl apply -f ${file}`),
    'secret/applied created\nsecret/applied unchanged\n',
  );
  assert.equal(
    await bash(`kubectl apply --server-side -f ${file} --force-conflicts`),
    'secret/applied serverside-applied\n',
  );
  assert.match(
    await bash('kubectl create secret generic g --from-literal=a=b'),
    /type: Invalid value: "Opaque": must be kubernetes.io\/tls/,
  );
  assert.equal(await bash('kubectl delete secret applied cert'), 'secret "applied" deleted\nsecret "cert" deleted\n');
  await app.close();
});
