import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Deadline } from './deadline.ts';

test('it calls back once when the time is over, and not when it was lifted or put off before', async () => {
  const startedAt = performance.now();
  const calls: number[] = [];
  const deadline = new Deadline(() => calls.push(performance.now() - startedAt));
  deadline.set(startedAt + 100);
  deadline.lift();
  await delay(150);
  assert.deepEqual(calls, []);
  deadline.set(startedAt + 250);
  deadline.set(startedAt + 400);
  await delay(350);
  assert.equal(calls.length, 1);
  assert.ok((calls[0] ?? 0) >= 400, `called after ${calls[0]} ms`);
});

test('an earlier time takes the place of a later one', async () => {
  let calls = 0;
  const deadline = new Deadline(() => {
    calls += 1;
  });
  deadline.set(performance.now() + 60_000);
  deadline.set(performance.now() + 20);
  await delay(100);
  assert.equal(calls, 1);
});

test('closed, it calls back no more', async () => {
  let calls = 0;
  const deadline = new Deadline(() => {
    calls += 1;
  });
  deadline.set(performance.now() + 20);
  deadline.close();
  await delay(60);
  assert.equal(calls, 0);
});
