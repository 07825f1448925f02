import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../system/running-system.ts';
import { bash, needs, needsFreePorts, ROOT, type Skip } from '../system/tools.ts';
import { runStep, tutorialSteps } from '../tutorial/readme.ts';

const PUBLISHED = [8080, 3000, 3001, 15_000, 15_020, 15_021, 3100, 3101, 15_100, 15_120, 15_121];
const skip = needsDocker() || needs('kubectl', 'jq', 'curl') || (await needsFreePorts(PUBLISHED));

function needsDocker(): Skip {
  const { DOCKER_HOST } = process.env;
  if (DOCKER_HOST === undefined) return 'DOCKER_HOST is not set';
  return docker(['info']).code !== 0 && `no Docker engine answers at ${DOCKER_HOST}`;
}

function docker(args: readonly string[]): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('docker', args, { cwd: ROOT, encoding: 'utf8', timeout: 900_000 });
  return { code: status, output: `${stdout}${stderr}` };
}

function compose(...args: readonly string[]): string {
  const { code, output } = docker(['compose', '--project-name', 'pulseplane-test', ...args]);
  assert.equal(code, 0, output);
  return output;
}

test('docker compose up, then the tutorial; both workers enforce; data survives down and up', { skip }, async () => {
  try {
    compose('up', '--detach', '--build', '--wait');
    for (const port of [3000, 3100]) {
      assert.match(bash(`curl -sf http://localhost:${port}/headers`).stdout, /"url": "\/headers"/);
    }
    for (const port of [3001, 3101]) assert.equal(bash(`curl -sf http://localhost:${port}/status/200`).code, 0);

    for (const step of tutorialSteps('Tutorial: TCP keepalive')) {
      if (step.command.startsWith('kubectl delete')) {
        await eventually(() =>
          assert.match(bash('curl -s http://localhost:15100/config_dump').stdout, /httpbin-keepalive:frontend-tcp/),
        );
        compose('down');
        compose('up', '--detach', '--wait');
        await eventually(() => assert.match(bash('kubectl get agpol -A').stdout, /httpbin-keepalive +True +True/));
      }
      await runStep(step);
    }
  } finally {
    compose('down', '--volumes', '--timeout', '5');
  }
});
