import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNatsUrl } from './nats-url.ts';

test('credentials are taken out of the URL, and servers are told apart', () => {
  assert.deepEqual(parseNatsUrl('nats://pulse:p%40ss@a:4223,nats://b'), {
    servers: ['a:4223', 'b:4222'],
    tls: false,
    user: 'pulse',
    pass: 'p@ss',
  });
  assert.deepEqual(parseNatsUrl('tls://secret@a'), { servers: ['a:4222'], tls: true, token: 'secret' });
  assert.deepEqual(parseNatsUrl('nats://127.0.0.1:4222'), { servers: ['127.0.0.1:4222'], tls: false });
});

test('a wrong URL is refused without repeating it', () => {
  for (const url of ['', 'http://user:secret@a', 'user:secret@a', 'nats://', 'nats://a:secret@']) {
    assert.throws(
      () => parseNatsUrl(url),
      ({ name, message }: Error) => name === 'StorageFault' && !message.includes('secret'),
    );
  }
});
