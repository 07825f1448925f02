import { readFileSync } from 'node:fs';
import { OBJECTS, refOf, seqOf, VERSIONS } from './content.ts';
import { startEtcd } from './etcd.ts';
import { startLogServer } from './log-server.ts';
import type { ServerProcess } from './server-process.ts';

/** Seconds from the spawn to the first answer that it is ready, and its memory (10^6 bytes) at that moment. */
export type Start = { readonly seconds: number; readonly rssMb: number; readonly peakRssMb: number };

/** Starts a control plane as it ships on a filled log, sees that it serves what is there, and stops it. */
export async function timeLogStart(dataDir: string): Promise<Start> {
  const server = await startLogServer(dataDir);
  try {
    const start = measured(server);
    const last = OBJECTS - 1;
    const { namespace, name } = refOf(last);
    const path = `/apis/agentgateway.dev/v1alpha1/namespaces/${namespace}/agentgatewaybackends/${name}`;
    const answer = await fetch(`${server.base}${path}`);
    const { metadata } = (await answer.json()) as { readonly metadata: { readonly resourceVersion?: string } };
    const expected = String(seqOf(last, VERSIONS));
    if (metadata.resourceVersion !== expected) {
      throw new Error(`${path} has version ${metadata.resourceVersion} instead of ${expected}`);
    }
    return start;
  } finally {
    await server.stop();
  }
}

/** Starts a filled etcd, and stops it; undefined when it is not on PATH. */
export async function timeEtcdStart(directory: string): Promise<Start | undefined> {
  const etcd = await startEtcd(directory);
  if (etcd === undefined) return undefined;
  const start = measured(etcd);
  const count = await etcd.count();
  await etcd.stop();
  if (count !== OBJECTS) throw new Error(`etcd holds ${count} keys instead of ${OBJECTS}`);
  return start;
}

function measured({ pid, readyMs }: ServerProcess): Start {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { seconds: readyMs / 1000, rssMb: megabytes('VmRSS'), peakRssMb: megabytes('VmHWM') };
}
