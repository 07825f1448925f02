import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { SocketOptionError } from '@pulseplane/keepalive';
import { reasonOfError } from './close-reason.ts';
import { Connection } from './connection.ts';
import { enforce } from './enforce.ts';
import { createRejudge } from './rejudge.ts';

const BIND = { kind: 'bind', key: '3000/a/b', port: 3000, protocol: 'tcp' } as const;
const HTTP = { maxBufferSize: 1, http1IdleTimeoutMs: 1_000, http2KeepaliveTimeoutMs: 1_000 };
const TCP = { policyKey: 'p', idleSeconds: 30, intervalSeconds: 5, probes: 3 };

test('a socket option that fails is reported and logged, and the policy does not count as in force', () => {
  const socket = new Socket();
  Reflect.set(socket, '_handle', { fd: 1_000_000 });
  const connection = new Connection('1', BIND, 'listener', socket, assert.fail);
  const errors: SocketOptionError[] = [];
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const context = {
    logger,
    durationJitter: 0,
    policyVersion: () => undefined,
    onSocketOptionError: (error: SocketOptionError) => void errors.push(error),
  };
  enforce(connection, { tcp: TCP, http: HTTP, tls: { handshakeTimeoutMs: 15_000 } }, context);
  assert.deepEqual(errors, [{ kind: 'errno', call: 'getsockopt', option: 'SO_KEEPALIVE', errno: 'EBADF' }]);
  assert.equal(warnings.length, 1);
  assert.equal(connection.policyKeys.tcp, undefined);
  assert.equal(connection.keepaliveArmed, false);
});

test('an error stands for a dead peer only while the kernel probes', () => {
  const error = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']) {
    assert.equal(reasonOfError(error(code), true), 'keepalive_timeout');
    assert.equal(reasonOfError(error(code), false), 'error');
  }
  assert.equal(reasonOfError(error('ECONNRESET'), true), 'peer');
  assert.equal(reasonOfError(new Error('other'), true), 'error');
});

test('judging again goes in slices, judges each once for a change, and a second change starves nobody', async () => {
  const connections = Array.from(
    { length: 500 },
    (_, n) => new Connection(String(n), BIND, 'listener', new Socket(), assert.fail),
  );
  const judged: string[] = [];
  const rejudge = createRejudge(
    () => connections,
    ({ id }) => void judged.push(id),
  );
  rejudge.all();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  assert.equal(judged.length, 200);
  rejudge.all();
  await turn();
  await turn();
  assert.equal(new Set(judged).size, 500);
  while (judged.length < 700) await turn();
  await turn();
  assert.equal(judged.length, 700);
});
