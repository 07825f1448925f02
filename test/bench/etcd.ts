import { spawnSync } from 'node:child_process';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials } from '@grpc/grpc-js';
import type { LoadRequest } from './h2load.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const CLIENT_PORT = 23_790;
const PEER_PORT = 23_800;

type KeyValue = readonly [key: Buffer, value: Buffer];

export type Etcd = ServerProcess & {
  put(valueBytes: number): LoadRequest;
  /** Puts pairs of key and value in one transaction. */
  putAll(pairs: readonly KeyValue[]): Promise<void>;
  /** How many keys it has. */
  count(): Promise<number>;
};

/**
 * A one-member etcd on loopback with its data in a directory; undefined when it is not on PATH.
 * `snapshotCount`: after how many raft entries it cuts its write-ahead log; its own default if not given.
 */
export async function startEtcd(directory: string, snapshotCount = 100_000): Promise<Etcd | undefined> {
  if (spawnSync('etcd', ['--version']).status !== 0) return undefined;
  const client = `http://127.0.0.1:${CLIENT_PORT}`;
  const peer = `http://127.0.0.1:${PEER_PORT}`;
  const server = await startServer(
    'etcd',
    [
      ...['--data-dir', directory, '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
      ...['--quota-backend-bytes', String(8 * 1024 ** 3), '--snapshot-count', String(snapshotCount)],
    ],
    `${client}/health`,
    'ignore',
  );
  const grpc = new Client(`127.0.0.1:${CLIENT_PORT}`, credentials.createInsecure());
  return {
    ...server,
    put: (valueBytes) => ({
      url: `${client}/etcdserverpb.KV/Put`,
      headers: ['content-type: application/grpc', 'te: trailers'],
      body: grpcFrame(putRequest([Buffer.from('/bench/key'), Buffer.alloc(valueBytes, 'x')])),
      http1: false,
    }),
    putAll: (pairs) =>
      new Promise((resolve, reject) => {
        const asIs = (bytes: Buffer): Buffer => bytes;
        grpc.makeUnaryRequest('/etcdserverpb.KV/Txn', asIs, asIs, txnRequest(pairs), (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    count: async () => {
      const all = Buffer.alloc(1).toString('base64');
      const body = JSON.stringify({ key: all, range_end: all, count_only: true });
      const answer = await fetch(`${client}/v3/kv/range`, { method: 'POST', body });
      return Number(((await answer.json()) as { readonly count?: string }).count);
    },
    stop: () => {
      grpc.close();
      return server.stop();
    },
  };
}

/** etcdserverpb.PutRequest: key 1, value 2. */
function putRequest([key, value]: KeyValue): Buffer {
  return Buffer.concat([field(1, key), field(2, value)]);
}

/** etcdserverpb.TxnRequest: success 2, of etcdserverpb.RequestOp: request_put 2. */
function txnRequest(pairs: readonly KeyValue[]): Buffer {
  return Buffer.concat(pairs.map((pair) => field(2, field(2, putRequest(pair)))));
}

/** A length-delimited field of a protobuf message. */
function field(number: number, bytes: Buffer): Buffer {
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(bytes.length).finish();
  return Buffer.concat([head, bytes]);
}

function grpcFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
