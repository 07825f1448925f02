import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { LoadRequest } from './h2load.ts';

const CLIENT_PORT = 23_790;
const PEER_PORT = 23_800;

export type Etcd = { put(valueBytes: number): LoadRequest; stop(): Promise<void> };

/** A one-member etcd on loopback with its data in a directory; undefined when it is not on PATH. */
export async function startEtcd(directory: string): Promise<Etcd | undefined> {
  if (spawnSync('etcd', ['--version']).status !== 0) return undefined;
  const client = `http://127.0.0.1:${CLIENT_PORT}`;
  const peer = `http://127.0.0.1:${PEER_PORT}`;
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', directory, '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
      ...['--quota-backend-bytes', String(8 * 1024 ** 3)],
    ],
    { stdio: 'ignore' },
  );
  await healthy(`${client}/health`);
  return {
    put: (valueBytes) => ({
      url: `${client}/etcdserverpb.KV/Put`,
      headers: ['content-type: application/grpc', 'te: trailers'],
      body: grpcFrame(putRequest(valueBytes)),
      http1: false,
    }),
    stop: () => stop(child),
  };
}

/** etcdserverpb.PutRequest: key 1, value 2. */
function putRequest(valueBytes: number): Buffer {
  const key = Buffer.from('/bench/key');
  return Buffer.concat([
    Buffer.from([0x0a, key.length]),
    key,
    Buffer.from([0x12, (valueBytes & 0x7f) | 0x80, valueBytes >> 7]),
    Buffer.alloc(valueBytes, 'x'),
  ]);
}

function grpcFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function healthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('etcd did not become healthy');
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGTERM');
  });
}
