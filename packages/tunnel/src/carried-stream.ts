import { Duplex } from 'node:stream';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Chunk, ChunkSchema } from '@pulseplane/wire';

/** One end of a call that carries bytes; grpc-js's client and server calls both are. */
export type Call = {
  write(chunk: Chunk): boolean;
  end(): void;
  pause(): unknown;
  resume(): unknown;
  on(event: 'data', listener: (chunk: Chunk) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'drain', listener: () => void): unknown;
};

/** The most bytes in one message, and what each direction holds beside what the transport does. */
const MAX_CHUNK_BYTES = 64 * 1024;

/**
 * The bytes of a call as a stream, with back-pressure both ways. `abort` ends the call at once. Each side ends by
 * itself, as in TCP; the call is over when both have.
 */
export function carriedStream(call: Call, abort: () => void): Duplex {
  let over = false;
  const send = (chunk: MessageInitShape<typeof ChunkSchema>): boolean => call.write(create(ChunkSchema, chunk));
  const stream = new Duplex({
    highWaterMark: MAX_CHUNK_BYTES,
    emitClose: true,
    read: () => void call.resume(),
    write: (data: Buffer, _encoding, done) => {
      let takesMore = true;
      for (let at = 0; at < data.length; at += MAX_CHUNK_BYTES) {
        takesMore = send({ data: data.subarray(at, at + MAX_CHUNK_BYTES) });
      }
      if (takesMore) done();
      else call.once('drain', done);
    },
    final: (done) => {
      send({ end: true });
      done();
    },
    destroy: (error, done) => {
      if (!over) {
        over = true;
        if (error !== null) send({ error: error.message });
        if (error === null && !stream.writableFinished) abort();
        else call.end();
      }
      done(error);
    },
  });
  // What breaks it is seen by those who read and write it; there may be nobody yet, or no longer.
  stream.on('error', () => undefined);
  const broke = (reason: string): void => {
    over = true;
    call.end();
    if (stream.readableEnded && stream.writableFinished) stream.destroy();
    else stream.destroy(new Error(reason));
  };
  call.on('data', ({ data, end, error }) => {
    if (error !== '') return broke(error);
    if (data.length > 0 && !stream.push(data)) call.pause();
    if (end) stream.push(null);
  });
  call.on('error', (error) => broke(error.message));
  for (const event of ['end', 'close'] as const) {
    call.on(event, () => {
      if (!over) broke('the tunnel to the worker broke');
    });
  }
  return stream;
}
