import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually, freePorts } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';
import type { LoadRequest } from './h2load.ts';

export type LogServer = { request(valueBytes: number): LoadRequest; stop(): Promise<void> };

/** A control plane as it ships, on an empty directory. A request creates an object under a generated name. */
export async function startLogServer(dataDir: string): Promise<LogServer> {
  const ports = await freePorts();
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'services/control-plane/dist/main.js'),
      ...['--data-dir', dataDir, '--rest-port', String(ports.rest), '--xds-port', String(ports.xds)],
      ...['--log-level', 'error'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const base = `http://127.0.0.1:${ports.rest}`;
  await eventually(async () => {
    if (!(await fetch(`${base}/readyz`)).ok) throw new Error('not ready');
  });
  return {
    request: (valueBytes) => ({
      url: `${base}/apis/agentgateway.dev/v1alpha1/namespaces/default/agentgatewaybackends`,
      headers: ['content-type: application/json'],
      body: Buffer.from(JSON.stringify(backend(valueBytes))),
      http1: true,
    }),
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGTERM');
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
