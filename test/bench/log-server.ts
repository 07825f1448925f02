import { join } from 'node:path';
import { freePorts } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';
import type { LoadRequest } from './h2load.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export type LogServer = ServerProcess & {
  /** Where it serves REST. */
  readonly base: string;
  request(valueBytes: number): LoadRequest;
};

/** A control plane as it ships. A request creates an object under a generated name. */
export async function startLogServer(dataDir: string): Promise<LogServer> {
  const ports = await freePorts();
  const base = `http://127.0.0.1:${ports.rest}`;
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
    request: (valueBytes) => ({
      url: `${base}/apis/agentgateway.dev/v1alpha1/namespaces/default/agentgatewaybackends`,
      headers: ['content-type: application/json'],
      body: Buffer.from(JSON.stringify(backend(valueBytes))),
      http1: true,
    }),
  };
}

/** An object whose stored text has about that many bytes. */
function backend(valueBytes: number): object {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { generateName: 'bench-', annotations: { padding: 'x'.repeat(valueBytes - 330) } },
    spec: { static: { host: '127.0.0.1', port: 9000 } },
  };
}
