import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PORTS, startSystem } from '../system/running-system.ts';
import { bash, needs, needsFreePorts } from '../system/tools.ts';
import { runStep, tutorialSteps } from './readme.ts';

const skip = needs('kubectl', 'jq', 'curl') || (await needsFreePorts(Object.values(DEFAULT_PORTS)));

for (const heading of ['Tutorial: TCP keepalive', 'Tutorial: HTTP/2 keepalive']) {
  test(`README, ${heading}: every command runs as printed and prints what the README says`, { skip }, async () => {
    await using _system = await startSystem({ ports: DEFAULT_PORTS });
    const steps = tutorialSteps(heading);
    assert(steps.length >= 3, 'the section has its commands');
    assert(
      steps.some(({ output }) => output !== undefined),
      'the section promises an output',
    );
    for (const step of steps) await runStep(step);
  });
}

test('the kubeconfig that pulse up writes leads kubectl here', { skip }, async () => {
  await using system = await startSystem();
  const { stdout } = bash(
    'kubectl config view --minify -o jsonpath="{.clusters[0].cluster.server}" && kubectl get gateways -A -o name',
    {
      KUBECONFIG: system.kubeconfig,
    },
  );
  assert.equal(stdout, `http://127.0.0.1:${system.ports.rest}gateway.gateway.networking.k8s.io/agentgateway-proxy\n`);
});

test('docs/api.md, Each task, both ways: every command runs as printed, one after the other', {
  skip: needs('kubectl', 'jq', 'curl'),
}, async () => {
  await using system = await startSystem();
  const { command: apply = '' } =
    tutorialSteps('Tutorial: TCP keepalive').find(({ command }) => command.includes('<<EOF')) ?? {};
  const [, manifest] = /<<EOF\n(.*)EOF/s.exec(apply) ?? [];
  const blocks = tutorialSteps('Each task, both ways', 'docs/api.md').map(({ command }) => command);
  assert(blocks.length > 10, 'the section has its commands');
  const script = blocks.join('').replace('http://localhost:8080', `http://127.0.0.1:${system.ports.rest}`);
  const setUp = `set -eo pipefail; cd "$(mktemp -d)"; cat > policy.yaml <<'EOF'\n${manifest}EOF\n`;
  const { code, stdout, stderr } = bash(`${setUp}set -x\n${script}`, { KUBECONFIG: system.kubeconfig });
  assert.equal(code, 0, stderr.split('\n').slice(-6).join('\n'));
  assert.match(stdout, /created \(server dry run\)/);
  assert.match(stdout, /\["Programmed","True"\]/);
});
