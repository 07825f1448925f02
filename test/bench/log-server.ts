import { join } from 'node:path';
import { freePorts } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';
import type { LoadRequest } from './h2load.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export type LogServer = ServerProcess & {
  /** Where it serves REST. */
  readonly base: string;
  readonly creation: LoadRequest;
  /** How many bytes of an object created by the request the log keeps. */
  storedBytes(): Promise<number>;
};

/** A control plane as it ships. A request creates an object under a generated name. */
export async function startLogServer(dataDir: string): Promise<LogServer> {
  const ports = await freePorts();
  const base = `http://127.0.0.1:${ports.rest}`;
  const url = `${base}/apis/agentgateway.dev/v1alpha1/namespaces/default/agentgatewaybackends`;
  const server = await startServer(
    process.execPath,
    [
      join(ROOT, 'services/control-plane/dist/main.js'),
      ...['--data-dir', dataDir, '--rest-port', String(ports.rest), '--xds-port', String(ports.xds)],
      ...['--log-level', 'error'],
    ],
    `${base}/readyz`,
  );
  return {
    ...server,
    base,
    creation: { url, headers: ['content-type: application/json'], body: Buffer.from(BODY), http1: true },
    storedBytes: async () => {
      const answer = await fetch(url, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' } });
      const { status: _, ...object } = (await answer.json()) as { metadata: object; status?: object };
      return JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } }).length;
    },
  };
}

/** About as large as a policy. */
const BODY = JSON.stringify({
  apiVersion: 'agentgateway.dev/v1alpha1',
  kind: 'AgentgatewayBackend',
  metadata: { generateName: 'bench-', annotations: { padding: 'x'.repeat(254) } },
  spec: { static: { host: '127.0.0.1', port: 9000 } },
});
