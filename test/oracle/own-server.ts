import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnControlPlane } from '../system/control-plane-process.ts';
import { freePorts } from '../system/running-system.ts';

/** A control plane with an empty log of its own. */
export type OwnServer = { readonly url: string; readonly stop: () => Promise<void> };

export async function startOwnServer(): Promise<OwnServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-oracle-'));
  const server = spawnControlPlane({ dataDir, ports: await freePorts() });
  await server.ready();
  return {
    url: `http://127.0.0.1:${server.restPort}`,
    stop: async () => {
      await server.kill();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
