import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createFixture } from '../testing/api-fixture.ts';

const missing = spawnSync('kubectl', ['version', '--client'], { env: { ...process.env, HOME: tmpdir() } }).error;
const skip = missing === undefined ? false : 'kubectl is not on the PATH';

test('the real kubectl asks who it is and what it can do', { skip }, async () => {
  const { app } = await createFixture();
  const home = await mkdtemp(join(tmpdir(), 'pulseplane-kubectl-'));
  try {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const env = { PATH: process.env['PATH'], HOME: home, KUBECACHEDIR: join(home, 'cache') };
    /** Its output; `can-i` exits with 1 when the answer is no. */
    const kubectl = async (command: string, input = '') => {
      const child = spawn('kubectl', ['-s', server, ...command.split(' ')], { env });
      child.stdin.end(input);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { stdout, stderr };
    };

    const who = (await kubectl('auth whoami')).stdout;
    assert.match(who, /^ATTRIBUTE +VALUE\nUsername +anonymous\nGroups +\[system:unauthenticated\]\n$/);

    for (const [asked, answer] of [
      ['create agpol -n httpbin', 'yes\n'],
      ['deletecollection gateways', 'yes\n'],
      ['create pods --subresource=portforward', 'yes\n'],
      ['get /v1/lint', 'yes\n'],
      ['* *', 'yes\n'],
      ['delete pods', 'no - pods do not have the verb "delete", only get, list, watch\n'],
      ['get configmaps', 'no - the server does not have the resource "configmaps"\n'],
      ['get /logs', 'no - the server does not have the path "/logs"\n'],
    ] as const) {
      const { stdout, stderr } = await kubectl(`auth can-i ${asked}`);
      assert.equal(stdout, answer, `${asked}: ${stderr}`);
    }

    const { stdout: rules } = await kubectl('auth can-i --list -n httpbin');
    assert.match(rules, /agentgatewaypolicies\.agentgateway\.dev +\[\] +\[\] +\[delete deletecollection get/);
    assert.match(rules, /pods +\[\] +\[\] +\[get list watch\]/);
    assert.match(rules, /\[\/v1\/lint\] +\[\] +\[get\]/);
    assert.doesNotMatch(rules, /incomplete/);

    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'delete', resource: 'pods' } },
    };
    const created = await kubectl('create -f- -o jsonpath={.status.allowed}', JSON.stringify(review));
    assert.deepEqual(created, { stdout: 'false', stderr: '' });
  } finally {
    await app.close();
    await rm(home, { recursive: true, force: true });
  }
});
