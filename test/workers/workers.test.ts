import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, startSystem } from '../system/running-system.ts';
import { bash, needs } from '../system/tools.ts';
import { tutorialSteps } from '../tutorial/readme.ts';

const skip = needs('kubectl', 'curl');
const WORKER = 'deployment/agentgateway-proxy -n agentgateway-system';

test('kubectl reads a running worker as a Pod of a Deployment, and cannot write it', { skip }, async () => {
  await using system = await startSystem();
  const kubectl = (args: string) => bash(`kubectl ${args}`, { KUBECONFIG: system.kubeconfig });
  const waited = kubectl('wait --for=condition=Ready pod --all -n agentgateway-system --timeout=30s');
  assert.match(waited.stdout, /^pod\/\S+ condition met\n$/, waited.stderr);
  const shown = kubectl('get pods,deployments -A').stdout;
  assert.match(shown, /^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE$/m);
  assert.match(shown, /^agentgateway-system +pod\/\S+ +1\/1 +Running +0 +\d+s$/m);
  assert.match(shown, /^NAMESPACE +NAME +READY +UP-TO-DATE +AVAILABLE +AGE$/m);
  assert.match(shown, /^agentgateway-system +deployment.apps\/agentgateway-proxy +1\/1 +1 +1 +\d+s$/m);
  assert.match(kubectl(`rollout status ${WORKER}`).stdout, /successfully rolled out/);
  const described = kubectl('describe pods -n agentgateway-system').stdout;
  assert.match(described, /Labels: +gateway.networking.k8s.io\/gateway-name=agentgateway-proxy/);
  assert.match(described, /Port: +15000\/TCP/);
  assert.match(kubectl(`describe ${WORKER}`).stdout, /Replicas: +1 desired \| 1 updated \| 1 total \| 1 available/);
  assert.match(kubectl('get namespaces').stdout, /^agentgateway-system +Active +\d+s$/m);
  const refused = kubectl(`delete ${WORKER}`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /deployments\.apps are read-only: they show the workers that are connected/);
  const created = kubectl('create namespace agentgateway-system --dry-run=client -o yaml | kubectl apply -f-');
  assert.equal(created.code, 0, created.stderr);

  process.kill(system.pid('data-plane'), 'SIGKILL');
  const gone = kubectl('wait --for=delete pod --all -n agentgateway-system --timeout=30s');
  assert.equal(gone.code, 0, gone.stderr);
});

/** kubectl as a person leaves it running in another terminal. */
type Running = {
  readonly said: () => string;
  readonly isOver: () => boolean;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

async function leaveRunning(args: string, env: Readonly<Record<string, string>>, ready: RegExp): Promise<Running> {
  const { PATH = '' } = process.env;
  const home = mkdtempSync(join(tmpdir(), 'pulseplane-home-'));
  const child: ChildProcess = spawn('kubectl', args.split(' '), { env: { PATH, HOME: home, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  await eventually(() => assert.match(text, ready), 20_000);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    said: () => text,
    isOver,
    [Symbol.asyncDispose]: async () => {
      if (isOver()) return;
      child.kill();
      await once(child, 'close');
    },
  };
}

for (const [form, websockets] of [
  ['websockets', 'true'],
  ['SPDY', 'false'],
] as const) {
  test(`kubectl port-forward leads to the worker's admin port, over ${form}`, { skip }, async () => {
    await using system = await startSystem();
    const env = { KUBECONFIG: system.kubeconfig, KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets };
    await eventually(() => assert.equal(bash(`kubectl get ${WORKER}`, env).code, 0));
    await using forward = await leaveRunning(`port-forward ${WORKER} :15000`, env, /127\.0\.0\.1:\d+ -> 15000/);
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(forward.said()) ?? [];
    const url = `http://127.0.0.1:${port}`;
    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
    const dumps = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${url}/config_dump`)).json()));
    const own = await (await fetch(`http://127.0.0.1:${system.ports.admin}/config_dump`)).json();
    for (const dump of dumps) assert.deepEqual(dump, own);
    assert.doesNotMatch(forward.said(), /error/i);
  });
}

test('where the worker holds the local port, port-forward takes the other loopback address and does no harm', {
  skip,
}, async () => {
  await using system = await startSystem();
  const { admin } = system.ports;
  const env = { KUBECONFIG: system.kubeconfig };
  await eventually(() => assert.equal(bash(`kubectl get ${WORKER}`, env).code, 0));
  await using forward = await leaveRunning(`port-forward ${WORKER} ${admin}:15000`, env, /-> 15000|unable to listen/);
  assert.equal(await (await fetch(`http://127.0.0.1:${admin}/healthz`)).text(), 'ok\n', forward.said());
  assert.equal(bash(`curl -sf http://localhost:${admin}/healthz`).stdout, 'ok\n', forward.said());
});

test('kubectl logs gives the recent log of a worker, and follows it', { skip }, async () => {
  await using system = await startSystem();
  const env = { KUBECONFIG: system.kubeconfig };
  const kubectl = (args: string) => bash(`kubectl ${args}`, env);
  await eventually(() => assert.match(kubectl(`logs ${WORKER}`).stdout, /"msg":"configuration applied"/));
  const whole = kubectl(`logs ${WORKER}`).stdout.trim().split('\n');
  assert.ok(whole.length > 1 && whole.every((line) => line.startsWith('{')), whole.join('\n'));
  assert.equal(kubectl(`logs ${WORKER} --tail=1`).stdout.trim().split('\n').length, 1);
  assert.equal(kubectl(`logs ${WORKER} --limit-bytes=7`).stdout, whole[0]?.slice(0, 7));
  assert.match(kubectl(`logs ${WORKER} --timestamps --tail=1`).stdout, /^\d{4}-\d\d-\d\dT\S+Z \{/);
  assert.match(kubectl(`logs ${WORKER} --previous`).stderr, /previous terminated container "agentgateway"/);
  assert.match(kubectl(`logs ${WORKER} -c other`).stderr, /other is not valid for pod/);
  await using followed = await leaveRunning(`logs -f --tail=1 ${WORKER}`, env, /^\{.*\n/);
  const before = followed.said().split('\n').length;
  const apply = tutorialSteps('Tutorial: TCP keepalive').find(({ command }) => command.startsWith('kubectl apply'));
  assert.equal(bash(apply?.command ?? 'false', env).code, 0);
  const since = (): string =>
    followed
      .said()
      .split('\n')
      .slice(before - 1)
      .join('\n');
  await eventually(() => assert.match(since(), /"msg":"configuration applied"/));
  process.kill(system.pid('data-plane'), 'SIGKILL');
  await eventually(() => assert.equal(followed.isOver(), true));
});
