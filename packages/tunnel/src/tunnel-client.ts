import { type Duplex, pipeline } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { type Attachment, AttachmentSchema, ChunkSchema, type Open, tunnelService } from '@pulseplane/wire';
import { reconnectDelay } from '@pulseplane/xds';
import { type Asked, fromOpen } from './asked.ts';
import { carriedStream } from './carried-stream.ts';
import type { WorkerName } from './tunnel-server.ts';
import { NOTHING_REPORTED, toReport, type WorkerReport } from './worker-report.ts';

export type TunnelClientOptions = {
  /** host:port of the control plane. */
  readonly address: string;
  readonly worker: WorkerName;
  /** Opens what is asked for. A rejection's message goes back to who asked. */
  readonly dial: (asked: Asked) => Promise<Duplex>;
  /** How the worker is now. Asked once a second, and when `reportNow` is called. */
  readonly report: () => WorkerReport;
  /** Told of each change of the attachment. */
  readonly onState: (state: TunnelState) => void;
  readonly random: () => number;
};

export type TunnelClient = {
  /** Something has changed that is better known at once. */
  reportNow(): void;
  /** Ends the attachment and all streams. */
  stop(): void;
};

export type TunnelState =
  | { readonly kind: 'attached' }
  | { readonly kind: 'detached'; readonly reason: string; readonly retryInMs: number };

/** A connection of its own, so that the bytes of a stream never wait before the configuration. */
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.use_local_subchannel_pool': 1,
};

const REPORT_EVERY_MS = 1_000;

/** As many as the control plane asks for at most. */
const MAX_STREAMS = 64;

/** Keeps a worker attached to the control plane until it is stopped. */
export function runTunnelClient({ address, worker, dial, report, onState, random }: TunnelClientOptions): TunnelClient {
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const streams = new Set<Duplex>();
  let attempt = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let attachment: ClientDuplexStream<Attachment, Open> | undefined;
  let reportNow = (): void => undefined;

  const attach = (): void => {
    const { path, requestSerialize, responseDeserialize } = tunnelService.attach;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    attachment = call;
    let over = false;
    let reported: WorkerReport = NOTHING_REPORTED;
    reportNow = () => {
      const now = report();
      // What waits to be sent is enough: the next one says what has become of it.
      if (call.writableNeedDrain || isDeepStrictEqual(now, reported)) return;
      reported = now;
      call.write(create(AttachmentSchema, { report: toReport(now) }));
    };
    const reporting = setInterval(reportNow, REPORT_EVERY_MS);
    const lost = (reason: string): void => {
      clearInterval(reporting);
      reportNow = () => undefined;
      if (over || stopped) return;
      over = true;
      const retryInMs = reconnectDelay(attempt, random);
      attempt += 1;
      onState({ kind: 'detached', reason, retryInMs });
      timer = setTimeout(attach, retryInMs);
    };
    call.on('metadata', () => {
      attempt = 0;
      onState({ kind: 'attached' });
    });
    call.on('data', (open: Open) => void serve(open));
    call.on('error', (error) => lost(error.message));
    call.on('end', () => lost('the control plane ended the tunnel'));
    call.write(create(AttachmentSchema, { nodeId: worker.id, role: worker.role }));
    reportNow();
  };

  const serve = async (open: Open): Promise<void> => {
    const { path, requestSerialize, responseDeserialize } = tunnelService.carry;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.on('error', () => undefined);
    const dialled = await dialOrReason(open);
    if (typeof dialled === 'string') {
      call.write(create(ChunkSchema, { streamId: open.streamId, error: dialled }));
      call.end();
      call.resume();
      return;
    }
    call.write(create(ChunkSchema, { streamId: open.streamId }));
    const stream = carriedStream(call, () => call.cancel());
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
    // Each destroys the other when it breaks; both half-close by themselves.
    pipeline(stream, dialled, (error) => error && stream.destroy(error));
    pipeline(dialled, stream, (error) => error && dialled.destroy());
    if (stopped) stream.destroy();
  };

  const dialOrReason = async (open: Open): Promise<Duplex | string> => {
    const asked = fromOpen(open);
    if (asked === undefined) return 'this worker does not know what is asked for';
    if (streams.size >= MAX_STREAMS) return `${MAX_STREAMS} streams are open already`;
    try {
      return await dial(asked);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  attach();
  return {
    reportNow: () => reportNow(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      attachment?.cancel();
      for (const stream of streams) stream.destroy();
      client.close();
    },
  };
}
