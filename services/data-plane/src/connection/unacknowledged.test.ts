import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, rawClient, tcpPolicy, until } from '../testing/world.ts';
import { isOverdue } from './unacknowledged.ts';

test('overdue is what is sent again and again while nothing comes back', () => {
  const waiting = { unackedSegments: 3, retransmits: 4, lastAckReceivedMs: 5_000 };
  assert.equal(isOverdue(waiting, 5_000), true);
  assert.equal(isOverdue(waiting, 5_001), false);
  assert.equal(isOverdue({ ...waiting, unackedSegments: 0 }, 5_000), false);
  // On its way for the first time, on a line that was silent before.
  assert.equal(isOverdue({ ...waiting, retransmits: 0 }, 5_000), false);
});

test('a client that reads nothing for longer than keepalive waits is alive, because its kernel answers', async (t) => {
  const world = await createWorld({
    onRequest: (_request, response) => void response.end(Buffer.alloc(64 * 1_048_576)),
  });
  t.after(() => world.stop());
  world.apply(tcpPolicy({ timeMs: 1_000, intervalMs: 1_000, retries: 1 }));
  const slow = await rawClient(world.httpPort);
  slow.socket.pause();
  slow.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await sleep(5_000);
  assert.equal((await world.connections()).length, 1);
  slow.socket.resume();
  await until(() => slow.socket.bytesRead > 64 * 1_048_576, 10_000);
  slow.socket.destroy();
});
