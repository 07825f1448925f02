import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GatewayResource, resourceName } from '@pulseplane/projection/gateway';
import { encodeResource } from '@pulseplane/wire';
import { createConfigurationFile } from '../saved/configuration-file.ts';
import { encodeSaved } from '../saved/saved-configuration.ts';
import { applyBatch, type Batch } from '../tables/apply-batch.ts';
import { EMPTY_TABLES, type Tables } from '../tables/tables.ts';
import { GATEWAY, portResources, tcpPolicy, until } from '../testing/world.ts';
import { type ConfigurationOrigin, createConfiguration } from './configuration.ts';

const SOON_MS = 100;
const [bind, ...others] = portResources('tcp', 3001, 9000);
assert.ok(bind?.kind === 'bind');
const GOOD = tcpPolicy({ timeMs: 30_000 });
const BAD = tcpPolicy({ timeMs: 40_000_000 });
const WORSE = { name: 'policy/nonsense', version: 'bad', body: new Uint8Array([255, 255, 255]) };

function wire(version: string, ...resources: readonly GatewayResource[]) {
  return resources.map((resource) => ({ name: resourceName(resource), version, body: encodeResource(resource) }));
}

/** Workers one after the other, over one folder. */
function setUp(context: { after(done: () => void): void }) {
  const stateDir = mkdtempSync(join(tmpdir(), 'pulseplane-state-'));
  context.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const lines: { readonly fields: object; readonly message: string }[] = [];
  const say = (fields: object, message: string) => void lines.push({ fields, message });
  const logger = { debug: say, info: say, warn: say, error: say };
  const start = () => {
    let tables: Tables = EMPTY_TABLES;
    const applied: { readonly batch: Batch; readonly origin: ConfigurationOrigin }[] = [];
    const configuration = createConfiguration({
      gateway: GATEWAY,
      logger,
      file: createConfigurationFile({ stateDir, gateway: GATEWAY, logger, onSaved: () => undefined, delayMs: 1 }),
      answerWithinMs: SOON_MS,
      apply(batch, origin) {
        applied.push({ batch, origin });
        const result = applyBatch(tables, batch);
        tables = result.tables;
        return result.rejects;
      },
    });
    return { configuration, applied, names: () => [...tables.resources.keys()].sort(), tables: () => tables };
  };
  return { start, lines, file: join(stateDir, 'worker-httpbin~agentgateway-proxy.conf') };
}

test('without a file nothing is in force until the control plane answers', async (context) => {
  const { start } = setUp(context);
  const worker = start();
  assert.equal(worker.configuration.held.size, 0);
  await sleep(2 * SOON_MS);
  assert.deepEqual(worker.applied, []);
});

test('a worker whose control plane is away starts with what was accepted, of its time, and takes differences', async (context) => {
  const { start, lines } = setUp(context);
  const first = start();
  assert.deepEqual(first.configuration.take({ resources: wire('1', bind, ...others, GOOD), removed: [] }), []);
  const { acceptedAt } = first.applied[0]?.origin ?? {};
  await first.configuration.close();

  const second = start();
  assert.deepEqual([...second.configuration.held.values()], Array(others.length + 2).fill('1'));
  assert.equal(second.applied.length, 0);
  await until(() => second.applied.length === 1);
  assert.deepEqual(second.applied[0]?.origin, { source: 'disk', acceptedAt });
  assert.deepEqual(second.names(), first.names());
  assert.match(lines.at(-1)?.message ?? '', /does not answer: the configuration that was accepted last is in force/);

  second.configuration.take({ resources: wire('2', tcpPolicy({ timeMs: 60_000 })), removed: [resourceName(bind)] });
  assert.equal(second.applied[1]?.origin.source, 'control_plane');
  assert.deepEqual(
    second.names(),
    first.names().filter((name) => name !== resourceName(bind)),
  );
  await second.configuration.close();
  assert.equal(start().configuration.held.get(resourceName(GOOD)), '2');
});

test('an answer in time changes what was saved before any of it is in force', async (context) => {
  const { start } = setUp(context);
  const first = start();
  first.configuration.take({ resources: wire('1', bind, ...others, GOOD), removed: [] });
  await first.configuration.close();

  const second = start();
  second.configuration.take({ resources: [], removed: [resourceName(GOOD)] });
  assert.equal(second.applied.length, 1);
  assert.deepEqual(second.names(), [bind, ...others].map(resourceName).sort());
  await sleep(2 * SOON_MS);
  assert.equal(second.applied.length, 1);
  await second.configuration.close();
});

test('what was rejected is never saved, and never in force after a restart; its former version is', async (context) => {
  const { start, file } = setUp(context);
  const first = start();
  first.configuration.take({ resources: wire('good', bind, GOOD), removed: [] });
  const rejections = first.configuration.take({ resources: [...wire('refused', BAD), WORSE], removed: [] });
  assert.deepEqual(rejections.map(({ name }) => name).sort(), [resourceName(BAD), WORSE.name].sort());
  await first.configuration.close();
  assert.doesNotMatch(readFileSync(file, 'utf8'), /refused|nonsense/);

  const second = start();
  // The answer in time is a rejected one: the former version comes into force.
  second.configuration.take({ resources: wire('refused', BAD), removed: [] });
  assert.deepEqual(second.tables().policies, [GOOD]);
  await second.configuration.close();
  assert.deepEqual([...start().configuration.held.values()], ['good', 'good']);
});

test('a saved resource that this worker does not take is left out, said, and asked for again', (context) => {
  const { start, lines, file } = setUp(context);
  const resources = new Map(wire('1', bind, BAD).map(({ name, ...resource }) => [name, resource]));
  writeFileSync(file, [...encodeSaved({ gateway: GATEWAY, acceptedAt: new Date(), resources })].join(''));
  const { configuration } = start();
  assert.deepEqual([...configuration.held.keys()], [resourceName(bind)]);
  assert.match(JSON.stringify(lines), /40000000.*a saved resource is left out/);
  return configuration.close();
});
