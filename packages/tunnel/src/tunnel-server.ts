import { randomUUID } from 'node:crypto';
import { EventEmitter, once as next } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  type handleBidiStreamingCall,
  Metadata,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type Attachment, type Chunk, type Open, tunnelService } from '@pulseplane/wire';
import { type Asked, toOpen } from './asked.ts';
import { carriedStream } from './carried-stream.ts';
import { fromReport, NOTHING_REPORTED, type WorkerReport } from './worker-report.ts';

/** A worker, named as on its ADS stream. */
export type WorkerName = { readonly id: string; readonly role: string };

/** A stream of bytes to a worker, or why there is none. */
export type Opened =
  | { readonly kind: 'open'; readonly stream: Duplex }
  | { readonly kind: 'refused'; readonly reason: string };

/** The control plane's end of the tunnels. */
export type TunnelServer = {
  /** What the gRPC server that workers connect to has to serve. */
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /**
   * Asks a worker for a stream, and waits a little for one that has not opened its tunnel yet: it does that beside its
   * ADS stream, and may be known from that already. Never rejects.
   */
  open(worker: WorkerName, asked: Asked): Promise<Opened>;
  /** What a worker has said of itself last; undefined when it is not attached. */
  reported(worker: WorkerName): WorkerReport | undefined;
};

export type TunnelServerOptions = {
  /** Told of each report of a worker. */
  readonly onReport?: (worker: WorkerName, report: WorkerReport) => void;
  /** How long a worker may take to open its tunnel, and then to begin a stream. */
  readonly openWithinMs?: number;
};

const MAX_WORKERS = 10_000;
/** How many streams a worker may have open, those that begin included. */
const MAX_STREAMS_PER_WORKER = 64;
/** How many calls may not have said yet which stream they are. */
const MAX_UNNAMED_CALLS = 1_000;
const OPEN_WITHIN_MS = 10_000;

type Carry = ServerDuplexStream<Chunk, Chunk>;
type Attached = { readonly call: ServerDuplexStream<Attachment, Open>; open: number; report: WorkerReport };
type Waiting = { readonly worker: Attached; readonly opened: (outcome: Opened) => void };

export function createTunnelServer({
  openWithinMs = OPEN_WITHIN_MS,
  onReport = () => undefined,
}: TunnelServerOptions = {}): TunnelServer {
  const workers = new Map<string, Attached>();
  /** Says the key of each worker that attaches. */
  const arrivals = new EventEmitter().setMaxListeners(MAX_STREAMS_PER_WORKER);
  const waiting = new Map<string, Waiting>();
  const waitingFor = (worker: Attached): readonly Waiting[] =>
    [...waiting.values()].filter((other) => other.worker === worker);
  let attached = 0;
  let unnamed = 0;

  const attach: handleBidiStreamingCall<Attachment, Open> = (call) => {
    attached += 1;
    call.once('close', () => {
      attached -= 1;
    });
    if (attached > MAX_WORKERS) return refuse(call, status.RESOURCE_EXHAUSTED, `${MAX_WORKERS} workers are attached`);
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.once('data', ({ nodeId, role }: Attachment) => {
      if (nodeId === '') return refuse(call, status.INVALID_ARGUMENT, 'the first message must carry node_id');
      const key = keyOf({ id: nodeId, role });
      const worker: Attached = { call, open: 0, report: NOTHING_REPORTED };
      // The newest counts: of an older one it may not be known yet that it is dead.
      workers.set(key, worker);
      arrivals.emit(key);
      call.once('close', () => {
        if (workers.get(key) === worker) workers.delete(key);
        for (const { opened } of waitingFor(worker)) opened({ kind: 'refused', reason: 'it has closed its tunnel' });
      });
      // Tells the worker that it is attached.
      call.sendMetadata(new Metadata());
      call.on('data', ({ report }: Attachment) => {
        if (report === undefined) return;
        worker.report = fromReport(report);
        onReport({ id: nodeId, role }, worker.report);
      });
    });
  };

  const carry: handleBidiStreamingCall<Chunk, Chunk> = (call) => {
    unnamed += 1;
    call.on('error', () => undefined);
    const named = once(() => {
      unnamed -= 1;
      clearTimeout(timer);
    });
    call.once('close', named);
    const timer = setTimeout(() => refuse(call, status.DEADLINE_EXCEEDED, 'no stream_id came'), openWithinMs);
    if (unnamed > MAX_UNNAMED_CALLS)
      return refuse(call, status.RESOURCE_EXHAUSTED, 'too many calls without a stream_id');
    call.once('data', ({ streamId, error }: Chunk) => {
      named();
      call.pause();
      const asked = waiting.get(streamId);
      if (asked === undefined) return refuse(call, status.NOT_FOUND, 'nobody waits for this stream_id');
      if (error !== '') {
        asked.opened({ kind: 'refused', reason: error });
        return call.end();
      }
      const stream = carriedStream(call, () => refuse(call, status.CANCELLED, 'the stream was closed'));
      asked.worker.open += 1;
      stream.once('close', () => {
        asked.worker.open -= 1;
      });
      asked.opened({ kind: 'open', stream });
    });
  };

  return {
    definition: tunnelService,
    implementation: { attach, carry },
    reported: (name) => workers.get(keyOf(name))?.report,
    open: async (name, asked) => {
      const key = keyOf(name);
      if (!workers.has(key) && arrivals.listenerCount(key) < MAX_STREAMS_PER_WORKER) {
        await next(arrivals, key, { signal: AbortSignal.timeout(openWithinMs) }).catch(() => undefined);
      }
      const worker = workers.get(key);
      if (worker === undefined) return refused('it has not opened a tunnel to this control plane');
      if (worker.open + waitingFor(worker).length >= MAX_STREAMS_PER_WORKER) {
        return refused(`it has ${MAX_STREAMS_PER_WORKER} streams open already`);
      }
      return new Promise((resolve) => {
        const id = randomUUID();
        const opened = (outcome: Opened): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(outcome);
        };
        const timer = setTimeout(
          () => opened({ kind: 'refused', reason: `it did not answer within ${openWithinMs / 1_000} s` }),
          openWithinMs,
        );
        waiting.set(id, { worker, opened });
        worker.call.write(toOpen(id, asked));
      });
    },
  };
}

function refused(reason: string): Opened {
  return { kind: 'refused', reason };
}

function refuse(call: Carry | Attached['call'], code: status, details: string): void {
  call.emit('error', { code, details });
}

function keyOf({ id, role }: WorkerName): string {
  return JSON.stringify([role, id]);
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
