import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../system/running-system.ts';
import { ROOT } from '../../system/tools.ts';
import { startServer } from '../server-process.ts';
import { RESOURCE_TYPE_URL } from './messages.ts';
import { onServerCore } from './process-figures.ts';
import type { Size, XdsServer } from './xds-server.ts';

/** What a gateway with one route has without any policy: its port, its listener, the route and its backend. */
const PARTS = 4;
const POLICY = '/apis/agentgateway.dev/v1alpha1/namespaces/bench/agentgatewaypolicies/keepalive';

/** The whole control plane as it ships. A change is a PATCH of a policy through REST, with its commit to the log. */
export async function startControlPlane({ streams, resources }: Size): Promise<XdsServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-bench-xds-'));
  const seed = join(dataDir, 'seed.yaml');
  writeFileSync(
    seed,
    manifests(Math.max(1, resources - PARTS))
      .map((one) => JSON.stringify(one))
      .join('\n---\n'),
  );
  const ports = await freePorts();
  const base = `http://127.0.0.1:${ports.rest}`;
  const [command, args] = onServerCore(process.execPath, [
    join(ROOT, 'services/control-plane/dist/main.js'),
    ...['--data-dir', dataDir, '--seed', seed, '--rest-port', String(ports.rest), '--xds-port', String(ports.xds)],
    ...['--log-level', 'error'],
  ]);
  const server = await startServer(command, args, `${base}/readyz`);
  /** How many ACKs it has counted. */
  const acks = async (): Promise<number> => {
    const text = await (await fetch(`${base}/metrics`)).text();
    const counts = [...text.matchAll(/^pulseplane_xds_answers_total\{[^}]*outcome="acked"[^}]*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  let changes = 0;
  return {
    pid: server.pid,
    port: ports.xds,
    typeUrl: RESOURCE_TYPE_URL,
    role: 'bench~gateway',
    opened: async () => {
      while ((await acks()) < streams);
    },
    change: async (acknowledged) => {
      changes += 1;
      const expected = streams * (changes + 1);
      const startedAt = performance.now();
      const patched = await fetch(`${base}${POLICY}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify({ spec: { frontend: { tcp: { keepalive: { retries: 1 + (changes % 60) } } } } }),
      });
      if (!patched.ok) throw new Error(`PATCH: ${patched.status} ${await patched.text()}`);
      await patched.arrayBuffer();
      await acknowledged;
      // The clients have written their ACKs. It has the last one when it says so.
      while ((await acks()) < expected);
      return performance.now() - startedAt;
    },
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function manifests(routes: number): readonly object[] {
  const metadata = (name: string) => ({ name, namespace: 'bench' });
  const gateway = { apiVersion: 'gateway.networking.k8s.io/v1' };
  const agentgateway = { apiVersion: 'agentgateway.dev/v1alpha1' };
  const group = 'gateway.networking.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } },
    {
      ...gateway,
      kind: 'GatewayClass',
      metadata: { name: 'agentgateway' },
      spec: { controllerName: 'agentgateway.dev/agentgateway' },
    },
    {
      ...gateway,
      kind: 'Gateway',
      metadata: metadata('gateway'),
      spec: { gatewayClassName: 'agentgateway', listeners: [{ name: 'http', protocol: 'HTTP', port: 3000 }] },
    },
    {
      ...agentgateway,
      kind: 'AgentgatewayBackend',
      metadata: metadata('upstream'),
      spec: { static: { host: '127.0.0.1', port: 9000 } },
    },
    {
      ...agentgateway,
      kind: 'AgentgatewayPolicy',
      metadata: metadata('keepalive'),
      spec: {
        targetRefs: [{ group, kind: 'Gateway', name: 'gateway' }],
        frontend: { tcp: { keepalive: { time: '30s', interval: '5s', retries: 3 } } },
      },
    },
    ...Array.from({ length: routes }, (_, index) => ({
      ...gateway,
      kind: 'HTTPRoute',
      metadata: metadata(`route-${index}`),
      spec: {
        parentRefs: [{ name: 'gateway' }],
        hostnames: [`host-${index}.example`],
        rules: [{ backendRefs: [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'upstream' }] }],
      },
    })),
  ];
}
