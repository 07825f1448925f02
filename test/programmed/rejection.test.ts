import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteEventLog } from '../../packages/event-log/src/index.ts';
import { eventually, startSystem } from '../system/running-system.ts';
import { bash, needs } from '../system/tools.ts';

const skip = needs('kubectl');
const POLICY = 'agpol/too-long -n httpbin';
const GATEWAY = 'gateway/agentgateway-proxy -n httpbin';

/** More than the kernel takes, which the API refuses: as an older control plane may have stored it. */
const TOO_LONG = {
  apiVersion: 'agentgateway.dev/v1alpha1',
  kind: 'AgentgatewayPolicy',
  metadata: {
    name: 'too-long',
    namespace: 'httpbin',
    uid: '5f4e8a0e-6a53-4c1c-9f0e-0d6d3c0f5a11',
    generation: 1,
    creationTimestamp: '2026-11-22T12:00:00Z',
  },
  spec: {
    targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
    frontend: { tcp: { keepalive: { time: '40000s' } } },
  },
};

async function store(file: string): Promise<void> {
  const log = await openSqliteEventLog(file);
  await log.append({
    expected: [],
    events: [
      {
        id: 'older-control-plane',
        type: 'Created',
        subject: {
          group: 'agentgateway.dev',
          kind: 'AgentgatewayPolicy',
          namespace: 'httpbin',
          name: 'too-long',
          uid: TOO_LONG.metadata.uid,
        },
        object: TOO_LONG,
        actor: { user: 'anonymous', via: 'test' },
        requestId: 'r',
        correlationId: 'r',
        time: '2026-11-22T12:00:00.000Z',
      },
    ],
  });
  await log.close();
}

test('what a running worker refuses is said with its text and name by conditions and Events, until it is mended', {
  skip,
}, async () => {
  const first = await startSystem();
  const { dataDir, ports } = first;
  await first.interrupt();
  await store(join(dataDir, 'events.db'));
  await using system = await startSystem({ dataDir, ports });
  const kubectl = (args: string): string => {
    const { code, stdout, stderr } = bash(`kubectl ${args}`, { KUBECONFIG: system.kubeconfig });
    assert.equal(code, 0, `kubectl ${args}: ${stderr}`);
    return stdout;
  };
  const programmed = (object: string) =>
    kubectl(
      `get ${object} -o jsonpath='{range .status.conditions[?(@.type=="Programmed")]}{.status} {.reason} {.message}{end}'`,
    );
  // With what it has on disk it may run before it is connected.
  const worker = await eventually(() => {
    const pod = kubectl('get pods -n agentgateway-system -o name').trim();
    assert.match(pod, /^pod\/\S+$/);
    return pod.replace('pod/', '');
  });
  const refusal = new RegExp(
    `^False Invalid Rejected by ${worker}: policy/frontend/httpbin/too-long:frontend-tcp:httpbin/agentgateway-proxy: policy\\.frontend\\.tcp\\.keepalives\\.time: 40000000 must be from 1000 to 32767000$`,
  );
  for (const object of [POLICY, GATEWAY]) await eventually(() => assert.match(programmed(object), refusal));

  const warnings = () => kubectl('get events -n httpbin --field-selector type=Warning,reason=Rejected');
  for (const name of ['agentgatewaypolicy/too-long', 'gateway/agentgateway-proxy']) {
    await eventually(() =>
      assert.match(warnings(), new RegExp(`Rejected +${name} .*Rejected by ${worker}: .*must be from 1000`)),
    );
  }
  assert.match(kubectl(`describe ${POLICY}`), /Warning +Rejected .*keepalives\.time: 40000000 must/);
  const dump = await (await fetch(`http://127.0.0.1:${ports.admin}/config_dump`)).text();
  assert(!dump.includes('too-long'), 'what was refused is in force');

  kubectl(`patch ${POLICY} --type=merge -p '{"spec":{"frontend":{"tcp":{"keepalive":{"time":"60s"}}}}}'`);
  for (const object of [POLICY, GATEWAY]) {
    kubectl(`wait --for=condition=Programmed ${object} --timeout=20s`);
    assert.match(programmed(object), /^True Programmed Acknowledged by every connected worker \(1\)$/);
  }
  assert.match(kubectl(`get events -n httpbin --field-selector reason=Programmed`), /agentgatewaypolicy\/too-long/);
});
