import { Duplex } from 'node:stream';
import {
  dataFrame,
  MAX_FRAME_BYTES,
  pingFrame,
  readFrames,
  rstStreamFrame,
  type SpdyFrame,
  synReplyFrame,
} from './spdy-frames.ts';
import { SpdyHeaders } from './spdy-headers.ts';

/** A stream that the client has opened; each side ends by itself. */
export type SpdyStream = { readonly headers: ReadonlyMap<string, string>; readonly stream: Duplex };

/** More are refused. One forwarded connection takes two. */
const MAX_STREAMS = 128;
const REFUSED_STREAM = 3;
const CANCEL = 5;

type Open = {
  readonly stream: Duplex;
  /** The client has said that nothing more comes. */
  ended: boolean;
  /** Called when the stream takes more. */
  wanted: () => void;
};

/**
 * Serves the streams that a client opens on a connection, until that ends. A stream that is not read holds the whole
 * connection back. Rejects with a `SpdyFault`, or with what broke the connection, when it is not ended in order.
 */
export async function serveSpdy(connection: Duplex, onStream: (opened: SpdyStream) => void): Promise<void> {
  const streams = new Map<number, Open>();
  const headers = new SpdyHeaders();
  let replied = false;

  const take = async (frame: SpdyFrame): Promise<void> => {
    switch (frame.kind) {
      case 'syn-stream': {
        const { stream: id, block, fin } = frame;
        const read = await headers.read(block);
        if (streams.size >= MAX_STREAMS || streams.has(id))
          return void connection.write(rstStreamFrame(id, REFUSED_STREAM));
        connection.write(synReplyFrame(id, !replied));
        replied = true;
        const open = openStream(connection, id, () => streams.delete(id));
        streams.set(id, open);
        if (fin) end(open);
        return onStream({ headers: read, stream: open.stream });
      }
      case 'data': {
        const open = streams.get(frame.stream);
        if (open === undefined || open.ended) return;
        if (frame.data.length > 0) await push(open, frame.data);
        if (frame.fin) end(open);
        return;
      }
      case 'headers':
        // Not used by anybody, but it moves the compression context on.
        await headers.read(frame.block);
        return;
      case 'rst-stream':
        return void streams.get(frame.stream)?.stream.destroy();
      case 'ping':
        return void connection.write(pingFrame(frame.id));
      default:
        return;
    }
  };

  // Also while a stream that nobody reads holds the connection back.
  connection.once('close', () => {
    for (const { stream } of streams.values()) stream.destroy();
  });
  connection.on('error', () => undefined);
  try {
    for await (const frame of readFrames(connection)) await take(frame);
  } finally {
    headers.close();
    connection.destroy();
  }
}

function openStream(connection: Duplex, id: number, closed: () => void): Open {
  const stream = new Duplex({
    read: () => open.wanted(),
    write: (data: Buffer, _encoding, done) => {
      for (let at = 0; at < data.length; at += MAX_FRAME_BYTES) {
        const part = data.subarray(at, at + MAX_FRAME_BYTES);
        connection.write(dataFrame(id, part), at + part.length === data.length ? done : undefined);
      }
    },
    final: (done) => void connection.write(dataFrame(id, Buffer.alloc(0), true), done),
    destroy: (error, done) => {
      if (!stream.readableEnded || !stream.writableFinished) connection.write(rstStreamFrame(id, CANCEL));
      closed();
      open.wanted();
      done(error);
    },
  });
  // What breaks it is seen by those who read and write it; the connection goes on.
  stream.on('error', () => undefined);
  const open: Open = { stream, ended: false, wanted: () => undefined };
  return open;
}

/** Resolves when the stream takes more. */
function push(open: Open, data: Buffer): Promise<void> | undefined {
  if (open.stream.destroyed || open.stream.push(data)) return undefined;
  return new Promise((resolve) => {
    open.wanted = resolve;
  });
}

function end(open: Open): void {
  if (open.ended || open.stream.destroyed) return;
  open.ended = true;
  open.stream.push(null);
}
