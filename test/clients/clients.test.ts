import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Client, Pool } from 'undici';
import { createWorld, httpPolicy, tcpPolicy, type World } from '../../services/data-plane/src/testing/world.ts';
import { needs } from '../system/tools.ts';

// Others are beside what they are good for: curl in proxy-http.test.ts, grpc-js in grpc.test.ts, ws in upgrade.test.ts.
const run = promisify(execFile);
const POLICIES = [
  tcpPolicy({ timeMs: 1_000, intervalMs: 1_000, retries: 3 }),
  httpPolicy({ http2KeepaliveIntervalMs: 200, http2KeepaliveTimeoutMs: 1_000, maxConnectionDurationMs: 500 }),
];

let world: World;
let origin: string;

before(async () => {
  world = await createWorld({
    durationJitter: 0.5,
    onRequest(request, response) {
      if (request.method === 'POST') request.pipe(response);
      // Long enough for connections to be asked to end meanwhile.
      else setTimeout(() => response.end('hello\n'), 20);
    },
  });
  origin = `http://127.0.0.1:${world.httpPort}`;
  world.apply(...POLICIES);
});

after(() => world.stop());

/** What h2load says of its requests. */
async function h2load(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('h2load', [...args, origin]);
  return /^requests: .*$/m.exec(stdout)?.[0] ?? stdout;
}

const whole = (n: number) =>
  `requests: ${n} total, ${n} started, ${n} done, ${n} succeeded, 0 failed, 0 errored, 0 timeout`;

test('h2load over HTTP/2, as many streams as there may be', { skip: needs('h2load') }, async () => {
  world.remove(...POLICIES);
  assert.equal(await h2load('-n', '2000', '-c', '4', '-m', '200'), whole(2_000));
  world.apply(...POLICIES);
});

test('h2load over HTTP/1.1', { skip: needs('h2load') }, async () => {
  world.remove(...POLICIES);
  assert.equal(await h2load('--h1', '-n', '500', '-c', '8'), whole(500));
  world.apply(...POLICIES);
});

test('nghttp: several requests on one session, one with a body and trailers', { skip: needs('nghttp') }, async () => {
  const { stdout } = await run('nghttp', ['-nv', '-m', '20', `${origin}/a`]);
  assert.equal(stdout.match(/recv .*:status: 200/g)?.length, 20);
  assert.doesNotMatch(stdout, /RST_STREAM/);
  const posted = await run('nghttp', ['-v', '-d', '/etc/hostname', '--trailer', 'x-sum: 1', origin]);
  assert.equal(posted.stdout.match(/recv .*:status: 200/g)?.length, 1);
});

test('undici, pipelining and in a pool: no request is lost while connections end of age', async () => {
  const client = new Client(origin, { pipelining: 10 });
  const pool = new Pool(origin, { connections: 5 });
  const until = Date.now() + 2_500;
  let answered = 0;
  const ask = async (dispatcher: Client | Pool, method: 'GET' | 'POST') => {
    while (Date.now() < until) {
      const body = method === 'POST' ? 'x'.repeat(100_000) : null;
      const answer = await dispatcher.request({ path: '/', method, body });
      assert.equal(answer.statusCode, 200);
      assert.equal(await answer.body.text(), body ?? 'hello\n');
      answered += 1;
    }
  };
  const before = await world.closes('max_duration');
  await Promise.all([
    ...Array.from({ length: 10 }, () => ask(client, 'GET')),
    ...Array.from({ length: 5 }, () => ask(pool, 'GET')),
    ...Array.from({ length: 2 }, () => ask(pool, 'POST')),
  ]);
  assert.ok(answered > 50, `${answered} answers`);
  assert.ok((await world.closes('max_duration')) >= before + 5);
  await Promise.all([client.close(), pool.close()]);
});
