import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFixture } from '../testing/api-fixture.ts';
import { noKubectl, RealKubectl } from '../testing/real-kubectl.ts';
import { listen } from '../testing/stream-client.ts';

test('the real kubectl asks who it is and what it can do', { skip: noKubectl }, async () => {
  const { app } = await createFixture();
  const client = new RealKubectl(await listen(app));
  /** Its output; `can-i` exits with 1 when the answer is no. */
  const kubectl = async (command: string, input?: string) => {
    const { stdout, stderr } = await client.run(command, input);
    return { stdout, stderr };
  };
  try {
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
    client.remove();
  }
});
