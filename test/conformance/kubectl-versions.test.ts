import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePorts, type RunningSystem, startSystem } from '../system/running-system.ts';
import { bash, type CommandResult, needs } from '../system/tools.ts';

/** Folders with more of them, joined by colons; every file there whose name begins with `kubectl` is one. */
const { PULSEPLANE_KUBECTLS = '' } = process.env;
const FOLDERS = PULSEPLANE_KUBECTLS.split(':').filter((folder) => folder !== '');

const KUBECTLS: readonly { readonly name: string; readonly file: string | undefined }[] = [
  { name: 'kubectl on PATH', file: undefined },
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith('kubectl'))
      .sort()
      .map((name) => ({ name, file: join(folder, name) })),
  ),
];

const POLICY = 'agentgatewaypolicy.agentgateway.dev/versions';
const MANIFEST = `apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata:
  name: versions
  namespace: httpbin
spec:
  targetRefs:
  - kind: Gateway
    name: agentgateway-proxy
    group: gateway.networking.k8s.io
  frontend:
    tcp:
      keepalive:
        retries: 3
        time: 30s
        interval: 5s
`;

for (const { name, file } of KUBECTLS) {
  test(`a session with ${name}`, { skip: needs('kubectl', 'curl') }, async (context) => {
    await using system = await startSystem();
    const kubectl = await sessionOf(context, system, file);
    context.diagnostic(kubectl('version').stdout.replaceAll('\n', ', '));
    changes(kubectl);
    applies(kubectl);
    await follows(kubectl);
    await reachesWorkers(kubectl);
    assert.equal(said(kubectl(`delete agpol versions`)), `agentgatewaypolicy.agentgateway.dev "versions" deleted`);
    assert.equal(kubectl('wait --for=delete agpol/versions --timeout=10s').code, 0);
    assert.match(kubectl('get agpol versions').stderr, /\(NotFound\): agentgatewaypolicies.* "versions" not found/);
  });
}

type Kubectl = (args: string) => CommandResult;

/** Runs one kubectl in the namespace of the example; the manifest is beside as `policy.yaml`. */
async function sessionOf(context: TestContext, system: RunningSystem, file: string | undefined): Promise<Kubectl> {
  const home = mkdtempSync(join(tmpdir(), 'pulseplane-kubectl-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  const bin = join(home, 'bin');
  mkdirSync(bin);
  if (file !== undefined) symlinkSync(file, join(bin, 'kubectl'));
  writeFileSync(join(home, 'policy.yaml'), MANIFEST);
  writeFileSync(join(home, 'slower.yaml'), MANIFEST.replace('30s', '60s'));
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: home, KUBECONFIG: system.kubeconfig };
  const { rest } = await freePorts();
  const script = `k() { kubectl -n httpbin "$@"; }; cd ${home}; PORT=${rest};`;
  return (args) => bash(`${script} ${args.startsWith('$') ? args.slice(1) : `k ${args}`}`, env);
}

/** What was printed, which is on one line; the namespace that newer versions add is left out. */
function said({ stdout, stderr }: CommandResult): string {
  return `${stdout}${stderr}`.trim().replace(/ from \w+ namespace$/, '');
}

function changes(kubectl: Kubectl): void {
  assert.equal(said(kubectl('apply -f policy.yaml')), `${POLICY} created`);
  assert.equal(said(kubectl('apply -f policy.yaml')), `${POLICY} unchanged`);
  assert.match(kubectl('get agpol').stdout, /^NAME +ACCEPTED +ATTACHED.*AGE\nversions +True +True/);
  assert.match(kubectl('get agpol versions -o yaml').stdout, /keepalive:\n +interval: 5s\n +retries: 3\n +time: 30s\n/);
  assert.equal(kubectl("get agpol versions -o jsonpath='{.spec.frontend.tcp.keepalive.time}'").stdout, '30s');
  assert.match(kubectl('describe agpol versions').stdout, /Name: +versions\n.*Retries: +3\n/s);
  assert.match(kubectl('explain agpol.spec.frontend.tcp.keepalive.retries').stdout, /retries.*<integer>/s);
  const merge = `patch agpol versions --type=merge -p '{"spec":{"frontend":{"tcp":{"keepalive":{"retries":4}}}}}'`;
  assert.equal(said(kubectl(merge)), `${POLICY} patched`);
  const steps = `patch agpol versions --type=json -p '[{"op":"replace","path":"/spec/frontend/tcp/keepalive/retries","value":5}]'`;
  assert.equal(said(kubectl(steps)), `${POLICY} patched`);
  assert.equal(said(kubectl('label agpol versions tier=edge')), `${POLICY} labeled`);
  assert.match(kubectl('get agpol -l tier=edge -o name').stdout, /^agentgatewaypolicy/);
  const refused = kubectl(merge.replace('4', '0'));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /keepalive.retries: Invalid value: 0: .* should be greater than or equal to 1/);
}

function applies(kubectl: Kubectl): void {
  const diff = kubectl('diff -f slower.yaml');
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^- +time: 30s$.*^\+ +time: 60s$/ms);
  assert.match(said(kubectl('apply --dry-run=server -f policy.yaml')), / configured \(server dry run\)$/);
  const conflict = kubectl('apply --server-side --field-manager=other -f slower.yaml');
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /conflict.*\.spec\.frontend\.tcp\.keepalive\.time/s);
  const forced = kubectl('apply --server-side --field-manager=other --force-conflicts -f slower.yaml');
  assert.equal(said(forced), `${POLICY} serverside-applied`);
  assert.equal(kubectl('diff --server-side --field-manager=other -f slower.yaml').code, 0);
  assert.equal(said(kubectl('apply --server-side -f slower.yaml --force-conflicts')), `${POLICY} serverside-applied`);
}

async function follows(kubectl: Kubectl): Promise<void> {
  assert.equal(kubectl('wait --for=condition=Programmed agpol/versions --timeout=20s').code, 0);
  // The watch begins before the change, and ends when it has printed the change.
  const watch = '$(sleep 2; k label agpol versions tier=core --overwrite) >/dev/null & ';
  const seen = kubectl(`${watch} timeout 20 kubectl -n httpbin get agpol -L tier -w | grep -m 1 core; wait`);
  assert.match(seen.stdout, /^versions .*core\n$/, seen.stderr);
}

async function reachesWorkers(kubectl: Kubectl): Promise<void> {
  const worker = 'deployment/agentgateway-proxy -n agentgateway-system';
  const logs = kubectl(`logs ${worker} --tail=1`);
  assert.match(logs.stdout, /^\{.*\}\n$/, logs.stderr);
  const page = 'curl -sf --retry 40 --retry-connrefused --retry-delay 1 --max-time 20 "http://127.0.0.1:$PORT/healthz"';
  const forward = kubectl(
    `$kubectl port-forward ${worker} "$PORT:15000" >/dev/null & FORWARD=$!; ${page}; CODE=$?; kill $FORWARD; exit $CODE`,
  );
  assert.equal(forward.code, 0, forward.stderr);
}
