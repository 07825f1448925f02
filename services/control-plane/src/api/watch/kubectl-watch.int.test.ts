import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiFixture, createFixture, MERGE, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { noKubectl } from '../testing/real-kubectl.ts';
import { listen } from '../testing/stream-client.ts';

const NAME = 'agentgatewaypolicy.agentgateway.dev/';

/** A kubectl that runs until it is told to stop, and what it has printed. */
type Running = { readonly child: ChildProcess; readonly output: () => string; readonly code: Promise<number | null> };

describe('watching with the real kubectl', { skip: noKubectl }, () => {
  let fixture: ApiFixture;
  let home: string;
  let server: string;
  const running: ChildProcess[] = [];

  before(async () => {
    fixture = await createFixture({ now: () => new Date() });
    server = await listen(fixture.app);
    home = await mkdtemp(join(tmpdir(), 'pulseplane-kubectl-'));
  });

  after(async () => {
    for (const child of running) child.kill();
    await fixture.app.close();
    await rm(home, { recursive: true, force: true });
  });

  /** A fresh HOME, because kubectl and its dispatcher keep caches there. */
  function kubectl(command: string, extra: Record<string, string> = {}): Running {
    const env = { PATH: process.env['PATH'], HOME: home, KUBECACHEDIR: join(home, 'cache'), ...extra };
    const child = spawn('kubectl', ['-s', server, ...command.split(' ')], { env });
    running.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += String(chunk);
      });
    }
    const code = once(child, 'close').then(([value]) => value as number | null);
    return { child, output: () => text, code };
  }

  async function until({ output }: Running, pattern: RegExp): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (!pattern.test(output())) {
      assert.ok(Date.now() < deadline, `${pattern} in ${output()}`);
      await sleep(20);
    }
  }

  const create = (name: string, labels: Record<string, string> = {}) =>
    fixture.send('POST', POLICIES, { ...TCP_POLICY, metadata: { name, labels } });
  const label = (name: string, team: string) =>
    fixture.send('PATCH', `${POLICIES}/${name}`, { metadata: { labels: { team } } }, { 'content-type': MERGE });
  const remove = (name: string) => fixture.send('DELETE', `${POLICIES}/${name}`);

  test('get -w prints the table, then a row for each change', async () => {
    await create('first');
    const watching = kubectl('get agpol -n httpbin -w');
    await until(watching, /^NAME +ACCEPTED +ATTACHED +AGE\nfirst .*\n/);
    await create('second');
    await until(watching, /\nsecond .*\n/);
    await label('first', 'edge');
    await until(watching, /second .*\nfirst .*\n/);
    assert.equal(watching.output().match(/NAME/g)?.length, 1);
    watching.child.kill();
    await remove('first');
    await remove('second');
  });

  test('get -w of one object, by its name, misses no change', async () => {
    await create('one');
    const watching = kubectl('get agpol one -n httpbin -w -o name');
    await until(watching, /./);
    await label('one', 'edge');
    await until(watching, new RegExp(`^(${NAME}one\n){2}$`));
    await label('one', 'core');
    await until(watching, new RegExp(`^(${NAME}one\n){3}$`));
    watching.child.kill();
    await remove('one');
  });

  test('get -w with a selector and its events shows what enters and leaves', async () => {
    await create('a', { team: 'edge' });
    const watching = kubectl('get agpol -A -w -l team=edge --output-watch-events');
    await until(watching, /^EVENT +NAMESPACE .*\nADDED +httpbin +a .*\n/);
    await create('b', { team: 'core' });
    await label('b', 'edge');
    await until(watching, /\nADDED +httpbin +b .*\n/);
    await label('a', 'core');
    await until(watching, /\nDELETED +httpbin +a .*\n$/);
    await remove('b');
    await until(watching, /\nDELETED +httpbin +b .*\n$/);
    watching.child.kill();
    await remove('a');
  });

  test('wait --for=delete ends when the object goes', async () => {
    await create('gone');
    const waiting = kubectl('wait --for=delete agpol/gone -n httpbin --timeout=20s');
    await sleep(700);
    assert.equal(waiting.child.exitCode, null, waiting.output());
    await remove('gone');
    assert.equal(await waiting.code, 0, waiting.output());
    assert.equal(waiting.output(), `${NAME}gone condition met\n`);
  });

  test('wait --for=jsonpath sees a change, as a list and watch and as a watch-list', async () => {
    for (const name of ['listed', 'streamed']) {
      await create(name, { team: 'edge' });
      const command = `wait --for=jsonpath={.metadata.labels.team}=core agpol/${name} -n httpbin --timeout=20s`;
      const waiting = kubectl(command, name === 'streamed' ? { KUBE_FEATURE_WatchListClient: 'true' } : {});
      await sleep(700);
      assert.equal(waiting.child.exitCode, null, waiting.output());
      await label(name, 'core');
      assert.equal(await waiting.code, 0, waiting.output());
      await remove(name);
    }
  });

  test('when the server ends the watch, get -w ends well', async () => {
    const watching = kubectl('get ns -w');
    await until(watching, /httpbin/);
    await fixture.app.close();
    assert.equal(await watching.code, 0, watching.output());
  });
});
