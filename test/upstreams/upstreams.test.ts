import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, startSystem } from '../system/running-system.ts';
import { bash, needs, ROOT } from '../system/tools.ts';

const skip = needs('kubectl', 'ss');
const POLICY = join(ROOT, 'examples/policies/upstream-keepalive.yaml');
const DEFAULT = { enabled: true, idleSeconds: 180, intervalSeconds: 180, probes: 9, userTimeoutMs: 0 };
const SET = { enabled: true, idleSeconds: 30, intervalSeconds: 5, probes: 3, userTimeoutMs: 0 };

type Upstream = {
  readonly local: string;
  readonly peer: string;
  readonly backend: string;
  readonly keepalive: object;
  readonly policy: { readonly tcp: string | null };
};

test('kubectl apply of a backend policy changes the open connection of a running worker to its backend', {
  skip,
}, async (t) => {
  await using system = await startSystem();
  const kubectl = (args: string) => bash(`kubectl ${args}`, { KUBECONFIG: system.kubeconfig });
  const client = connect(system.ports.tcp, '127.0.0.1');
  t.after(() => client.destroy());
  await once(client, 'connect');
  const upstream = async (): Promise<Upstream> => {
    const page = await (await fetch(`http://127.0.0.1:${system.ports.admin}/connections`)).json();
    const { upstreams } = page as { readonly upstreams: readonly Upstream[] };
    return upstreams[0] ?? assert.fail('no connection to a backend');
  };
  await eventually(async () => assert.deepEqual((await upstream()).keepalive, DEFAULT));
  const former = await upstream();
  assert.equal(former.peer, `127.0.0.1:${system.ports.upstream}`);

  assert.equal(kubectl(`apply -f ${POLICY}`).code, 0);
  const waited = kubectl('wait --for=condition=Programmed agpol/upstream-keepalive -n httpbin --timeout=20s');
  assert.equal(waited.code, 0, waited.stderr);
  await eventually(async () => assert.deepEqual((await upstream()).keepalive, SET));
  const now = await upstream();
  assert.equal(now.local, former.local);
  assert.equal(now.policy.tcp, 'backend/httpbin/upstream-keepalive:backend-tcp:httpbin/demo-upstream');
  const { stdout } = bash(`ss -Htno state established '( dport = :${system.ports.upstream} )'`, {});
  assert.match(stdout, /timer:\(keepalive,(2\d|30)\S*sec,0\)/);

  assert.equal(kubectl('delete agpol upstream-keepalive -n httpbin').code, 0);
  await eventually(async () => assert.deepEqual((await upstream()).keepalive, DEFAULT));
  assert.equal((await upstream()).local, former.local);
  assert.equal(client.destroyed, false);
});
