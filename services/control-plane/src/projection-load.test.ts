import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import { createFixture, POLICIES } from './api/testing/api-fixture.ts';
import { ProjectionLoad } from './projection-load.ts';

test('who asks about objects while they are read ahead waits; who probes does not', async () => {
  const log = createMemoryEventLog();
  const load = new ProjectionLoad(new Projection(log), {
    debug() {},
    info() {},
    warn: assert.fail,
    error: assert.fail,
  });
  let isSetUp = false;
  const { send } = await createFixture({ log, whenLoaded: (then) => (isSetUp ? load.whenDone(then) : then()) });
  isSetUp = true;
  const order: string[] = [];
  const early = send('GET', POLICIES).then(({ statusCode }) => order.push(`list ${statusCode}`));
  for (const path of ['/readyz', '/livez', '/version']) order.push(`${path} ${(await send('GET', path)).statusCode}`);
  assert.equal(load.isDone, false);
  order.push('run');
  await load.run();
  assert.equal(load.isDone, true);
  await early;
  assert.deepEqual(order, ['/readyz 200', '/livez 200', '/version 200', 'run', 'list 200']);
  assert.equal((await send('GET', POLICIES)).statusCode, 200);
});

test('what cannot be read ahead is said, and keeps nobody waiting', async () => {
  const warnings: unknown[] = [];
  const source = {
    object: () => undefined,
    each: () => {
      throw new Error('a damaged page');
    },
  };
  const logger = { debug() {}, info() {}, warn: (fields: unknown) => warnings.push(fields), error: assert.fail };
  const load = new ProjectionLoad(new Projection(source), logger);
  let done = 0;
  load.whenDone(() => (done += 1));
  await load.run();
  assert.deepEqual([done, warnings.length], [1, 1]);
});

test('one that is stopped reads no further and lets all go', async () => {
  let reads = 0;
  const log = createMemoryEventLog();
  const source = {
    object: log.object.bind(log),
    each: (filter: Parameters<typeof log.each>[0]) => {
      reads += 1;
      return log.each(filter);
    },
  };
  const load = new ProjectionLoad(new Projection(source), { debug() {}, info() {}, warn() {}, error() {} });
  let done = 0;
  load.whenDone(() => (done += 1));
  load.stop();
  assert.equal(done, 1);
  await load.run();
  assert.equal(done, 1);
  assert.equal(reads, 0);
});
