import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../system/running-system.ts';
import { ROOT } from '../../system/tools.ts';
import { startServer } from '../server-process.ts';
import { onServerCore } from '../xds/process-figures.ts';
import { accepts, type Places, type RunningProxy } from './proxy-process.ts';

const POLL_MS = 20;
const WITHIN_MS = 10_000;
const NAMESPACE = 'bench';
const POLICIES = `/apis/agentgateway.dev/v1alpha1/namespaces/${NAMESPACE}/agentgatewaypolicies`;

/** A worker on the proxies' core and the control plane that it is configured by on the other, both as they ship. */
export async function startPulseplane(places: Places): Promise<RunningProxy> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-bench-worker-'));
  const seed = join(dataDir, 'seed.yaml');
  writeFileSync(
    seed,
    manifests(places)
      .map((one) => JSON.stringify(one))
      .join('\n---\n'),
  );
  const own = await freePorts();
  const base = `http://127.0.0.1:${own.rest}`;
  const controlPlane = await startServer(
    process.execPath,
    [
      join(ROOT, 'services/control-plane/dist/main.js'),
      ...['--data-dir', dataDir, '--seed', seed, '--rest-port', String(own.rest), '--xds-port', String(own.xds)],
      ...['--log-level', 'error'],
    ],
    `${base}/readyz`,
  );
  const worker = await startServer(
    ...onServerCore(process.execPath, [
      join(ROOT, 'services/data-plane/dist/main.js'),
      ...['--control-plane', `127.0.0.1:${own.xds}`, '--gateway', `${NAMESPACE}/gateway`, '--log-level', 'error'],
      ...['--admin-port', String(own.admin), '--metrics-port', String(own.metrics)],
      ...['--readiness-port', String(own.readiness), '--state-dir', join(dataDir, 'worker')],
    ]),
    `http://127.0.0.1:${own.readiness}/healthz/ready`,
  );
  const deadline = performance.now() + WITHIN_MS;
  while (!((await accepts(places.tcp)) && (await accepts(places.http1)))) {
    if (performance.now() > deadline) throw new Error('the worker does not open its ports');
    await delay(POLL_MS);
  }
  return {
    // taskset becomes the program: its process stays.
    pid: worker.pid,
    ports: { tcp: places.tcp, http1: places.http1, http2: places.http1 },
    changeKeepalive: async (seconds) => {
      const patched = await fetch(`${base}${POLICIES}/keepalive`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify({ spec: { frontend: { tcp: { keepalive: { time: `${seconds}s` } } } } }),
      });
      if (!patched.ok) throw new Error(`PATCH: ${patched.status} ${await patched.text()}`);
      await patched.arrayBuffer();
    },
    stop: async () => {
      await Promise.all([worker.stop(), controlPlane.stop()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A port for TCP and one for HTTP, under one policy each for TCP keepalive and for PINGs each 5 s. */
function manifests({ backend, tcp, http1 }: Places): readonly object[] {
  const gatewayApi = { apiVersion: 'gateway.networking.k8s.io/v1' };
  const agentgateway = { apiVersion: 'agentgateway.dev/v1alpha1' };
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gateway' };
  const metadata = (name: string) => ({ name, namespace: NAMESPACE });
  const backendOf = (name: 'raw' | 'http') => ({
    ...agentgateway,
    kind: 'AgentgatewayBackend',
    metadata: metadata(name),
    spec: { static: { host: '127.0.0.1', port: backend[name] } },
  });
  const to = (name: string) => [{ backendRefs: [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }] }];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      ...gatewayApi,
      kind: 'GatewayClass',
      metadata: { name: 'agentgateway' },
      spec: { controllerName: 'agentgateway.dev/agentgateway' },
    },
    {
      ...gatewayApi,
      kind: 'Gateway',
      metadata: metadata('gateway'),
      spec: {
        gatewayClassName: 'agentgateway',
        listeners: [
          { name: 'http', protocol: 'HTTP', port: http1 },
          { name: 'tcp', protocol: 'TCP', port: tcp },
        ],
      },
    },
    backendOf('raw'),
    backendOf('http'),
    {
      ...gatewayApi,
      kind: 'HTTPRoute',
      metadata: metadata('http'),
      spec: { parentRefs: [{ name: 'gateway', sectionName: 'http' }], rules: to('http') },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1alpha2',
      kind: 'TCPRoute',
      metadata: metadata('tcp'),
      spec: { parentRefs: [{ name: 'gateway', sectionName: 'tcp' }], rules: to('raw') },
    },
    {
      ...agentgateway,
      kind: 'AgentgatewayPolicy',
      metadata: metadata('keepalive'),
      spec: {
        targetRefs: [gateway],
        frontend: {
          tcp: { keepalive: { time: '30s', interval: '5s', retries: 3 } },
          http: { http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '3s' },
        },
      },
    },
  ];
}
