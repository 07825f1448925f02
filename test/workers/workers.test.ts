import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSystem } from '../system/running-system.ts';
import { bash, needs } from '../system/tools.ts';

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
