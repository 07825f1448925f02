// Runs the session against a real API server, keeps its answers, and reports where ours differ. See README.md.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../system/tools.ts';
import { writeAnswers, writeRecordedMinor } from './answers.ts';
import { compareAnswers } from './compare.ts';
import { DIFFERENCES } from './differences.ts';
import { forwardTo } from './forward.ts';
import { startOwnServer } from './own-server.ts';
import { runSession } from './run-session.ts';
import { SESSION } from './session/index.ts';

const { ORACLE_KUBECONFIG: kubeconfig } = process.env;
if (kubeconfig === undefined) {
  process.stderr.write('ORACLE_KUBECONFIG is not set: it must name the kubeconfig of a kube-apiserver 1.33\n');
  process.exit(2);
}

function kubectl(...args: readonly string[]): void {
  const home = mkdtempSync(join(tmpdir(), 'pulseplane-oracle-'));
  const env = { ...process.env, HOME: home, KUBECONFIG: kubeconfig };
  const { status } = spawnSync('kubectl', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${status}`);
}

kubectl('apply', '--server-side', '--force-conflicts', '-f', join(ROOT, 'examples/crds'));
kubectl('wait', '--for=condition=Established', '-f', join(ROOT, 'examples/crds'), '--timeout=60s');
kubectl('delete', 'namespace', '--ignore-not-found', ...SESSION.map(({ namespace }) => namespace));

const real = await forwardTo(kubeconfig);
const theirs = await runSession(SESSION, real.url);
real.close();
for (const part of SESSION) writeAnswers(part, theirs[part.name] ?? {});
writeRecordedMinor();

const server = await startOwnServer();
const ours = await runSession(SESSION, server.url).finally(() => server.stop());
const wrong = compareAnswers(SESSION, theirs, ours, DIFFERENCES).filter(
  ({ equal, reason }) => equal === (reason !== undefined),
);
for (const { part, step, reason, ...answers } of wrong) {
  process.stdout.write(`${part}: ${step}\n`);
  if (reason !== undefined) process.stdout.write(`  listed as different, but alike now: ${reason}\n`);
  else process.stdout.write(`  theirs: ${JSON.stringify(answers.theirs)}\n  ours:   ${JSON.stringify(answers.ours)}\n`);
}
process.stdout.write(`${wrong.length} steps are not as expected\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;
