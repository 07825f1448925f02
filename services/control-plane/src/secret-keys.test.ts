import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMemoryEventLog, type EventLog, newSealingKeyFile, sealSecrets } from '@pulseplane/event-log';
import type { Logger } from '@pulseplane/telemetry';
import { loadSecretKeys } from './secret-keys.ts';

type Given = { readonly natsUrl?: string; readonly secretKeyFile?: string };

function setUp() {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-secret-keys-'));
  const log = createMemoryEventLog();
  const said: object[] = [];
  const silent = () => undefined;
  const logger: Logger = { debug: silent, info: silent, warn: silent, error: (fields) => said.push(fields) };
  return {
    file: join(dataDir, 'secret.key'),
    log,
    said,
    load: ({ natsUrl, secretKeyFile }: Given = {}) => loadSecretKeys({ dataDir, natsUrl, secretKeyFile }, log, logger),
  };
}

async function writeSecret(log: EventLog, keys: ReturnType<typeof loadSecretKeys>): Promise<void> {
  assert(!('reason' in keys));
  const subject = { group: '', kind: 'Secret', namespace: 'httpbin', name: 'cert', uid: 'u' };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cert', uid: 'u' } };
  const actor = { user: 'anonymous', via: 'test' };
  const about = { id: 'e', type: 'Created' as const, requestId: 'r', correlationId: 'r', time: '2026-11-22T12:00:00Z' };
  await sealSecrets(log, keys).append({ expected: [], events: [{ ...about, subject, object, actor }] });
}

test('the first start makes a key that only its owner can read, and later ones use it', () => {
  const { load, file } = setUp();
  const keys = load();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(load(), keys);
});

test('a key that is lost is not replaced in silence', async () => {
  const { load, file, log, said } = setUp();
  await writeSecret(log, load());
  const lost = readFileSync(file);
  rmSync(file);
  const reason = `--secret-key-file ${file}: it is missing, but 1 Secrets are sealed with it; put it back, or give another one to do without them`;
  assert.deepEqual(load(), { reason });
  const other = `${file}.new`;
  writeFileSync(other, newSealingKeyFile());
  assert.ok(!('reason' in load({ secretKeyFile: other })));
  assert.deepEqual(said, [{ secrets: 1, secretKeyFile: other }]);
  writeFileSync(other, Buffer.concat([readFileSync(other), lost]));
  load({ secretKeyFile: other });
  assert.equal(said.length, 1);
});

test('a given file that is missing or wrong is named with what is wrong', () => {
  const { load, file } = setUp();
  assert.deepEqual(load({ secretKeyFile: file }), { reason: `--secret-key-file ${file}: there is no such file` });
  writeFileSync(file, 'hunter2\n');
  for (const keys of [load({ secretKeyFile: file }), load()]) {
    assert.deepEqual(keys, { reason: `--secret-key-file ${file}: line 1 must be 32 bytes in base64` });
  }
});

test('a replica of a stream makes no key of its own', () => {
  const { load } = setUp();
  assert.deepEqual(load({ natsUrl: 'nats://127.0.0.1:4222' }), []);
});
