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
