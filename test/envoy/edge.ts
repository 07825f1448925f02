import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { spawnControlPlane } from '../system/control-plane-process.ts';
import { freePorts, type Ports } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';

type Json = { readonly [field: string]: unknown };
type Manifest = Json & { readonly kind: string; readonly metadata: { readonly name: string } };
type Condition = { readonly type: string; readonly status: string; readonly message: string };

/** A control plane with examples/envoy/edge.yaml, on other ports, and its upstream, which is late at any path but `/`. */
export type Edge = {
  readonly ports: Ports;
  /** Server-side apply; gives the texts of the Warning headers. */
  readonly apply: (manifest: Manifest) => Promise<readonly string[]>;
  /** Gives the texts of the Warning headers. */
  readonly delete: (kind: string, name: string) => Promise<readonly string[]>;
  /** Those of a policy's or gateway's status as a whole. */
  readonly condition: (kind: string, name: string, type: string) => Promise<Condition>;
  /** kill -9 of the control plane, and another one. */
  readonly restart: () => Promise<void>;
  /** All that the control plane printed. */
  readonly output: () => string;
  /** The example's object of a kind. */
  readonly example: (kind: string) => Manifest;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const PATHS: { readonly [kind: string]: string } = {
  Gateway: 'gateway.networking.k8s.io/v1/namespaces/default/gateways',
  HTTPRoute: 'gateway.networking.k8s.io/v1/namespaces/default/httproutes',
  TCPRoute: 'gateway.networking.k8s.io/v1alpha2/namespaces/default/tcproutes',
  TLSRoute: 'gateway.networking.k8s.io/v1alpha2/namespaces/default/tlsroutes',
  AgentgatewayBackend: 'agentgateway.dev/v1alpha1/namespaces/default/agentgatewaybackends',
  AgentgatewayPolicy: 'agentgateway.dev/v1alpha1/namespaces/default/agentgatewaypolicies',
};

export async function startEdge(): Promise<Edge> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-edge-'));
  const upstream = createServer((request, response) => {
    response.setHeader('X-Upstream', request.httpVersion);
    if (request.url === '/slow') response.write('begun, ');
    setTimeout(() => response.end('upstream'), request.url === '/' ? 0 : 1_500);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const ports = { ...(await freePorts()), upstream: (upstream.address() as AddressInfo).port };
  let controlPlane = spawnControlPlane({ dataDir, ports });
  await controlPlane.ready();
  const manifests = loadAll(
    readFileSync(join(ROOT, 'examples/envoy/edge.yaml'), 'utf8')
      .replace('port: 10000', `port: ${ports.http}`)
      .replace('port: 10001', `port: ${ports.tcp}`)
      .replace('port: 9000', `port: ${ports.upstream}`),
  ) as readonly Manifest[];

  const send = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${ports.rest}/apis/${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(body),
      }),
    });
    const answer = (await response.json()) as Json;
    assert.ok(response.ok, JSON.stringify(answer));
    return { answer, warnings: warningsOf(response.headers.get('warning')) };
  };
  const apply: Edge['apply'] = async (manifest) => {
    const path = `${PATHS[manifest.kind]}/${manifest.metadata.name}?fieldManager=test&force=true`;
    return (await send('PATCH', path, manifest)).warnings;
  };
  for (const manifest of manifests) await apply(manifest);
  return {
    ports,
    apply,
    delete: async (kind, name) => (await send('DELETE', `${PATHS[kind]}/${name}`)).warnings,
    condition: async (kind, name, type) => {
      const { answer } = await send('GET', `${PATHS[kind]}/${name}`);
      const { conditions } = answer['status'] as { readonly conditions: readonly Condition[] };
      return conditions.find((one) => one.type === type) ?? assert.fail(JSON.stringify(answer));
    },
    restart: async () => {
      await controlPlane.kill();
      controlPlane = spawnControlPlane({ dataDir, ports });
      await controlPlane.ready();
    },
    output: () => controlPlane.output(),
    example: (kind) => structuredClone(manifests.find((one) => one.kind === kind) ?? assert.fail(kind)),
    [Symbol.asyncDispose]: async () => {
      await controlPlane.kill();
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function warningsOf(header: string | null): readonly string[] {
  return [...(header ?? '').matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map(
    ([, text = '""']) => JSON.parse(text) as string,
  );
}
