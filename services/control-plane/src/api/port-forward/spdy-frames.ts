/** What SPDY/3.1 says on a connection, as far as a server of streams without HTTP needs it. */
export type SpdyFrame =
  | { readonly kind: 'data'; readonly stream: number; readonly data: Buffer; readonly fin: boolean }
  /** Header blocks are compressed still: one context spans all of a connection. */
  | { readonly kind: 'syn-stream'; readonly stream: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly kind: 'headers'; readonly stream: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly kind: 'rst-stream'; readonly stream: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goaway' }
  /** SETTINGS, WINDOW_UPDATE: this end sends at the pace of the connection, and holds the connection back as a whole. */
  | { readonly kind: 'ignored' };

/** Beyond it a peer is not one that speaks SPDY; kubectl sends 32 KiB at most. */
export const MAX_FRAME_BYTES = 1_048_576;

const VERSION = 0x8003;
const FIN = 1;
const TYPE = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, headers: 8 } as const;
const HEADER_BYTES = 8;

/** Why a connection's bytes are not SPDY/3. */
export class SpdyFault extends Error {}

/** Reads the frames of a connection. Throws a `SpdyFault` at what breaks the protocol or a bound. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<SpdyFrame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUIntBE(5, 3);
      if (length > MAX_FRAME_BYTES) throw new SpdyFault(`a frame of ${length} bytes`);
      if (pending.length < HEADER_BYTES + length) break;
      yield readFrame(pending, pending.subarray(HEADER_BYTES, HEADER_BYTES + length));
      pending = pending.subarray(HEADER_BYTES + length);
    }
  }
}

function readFrame(header: Buffer, payload: Buffer): SpdyFrame {
  const first = header.readUInt32BE(0);
  const fin = (header.readUInt8(4) & FIN) !== 0;
  if (first < 0x8000_0000) return { kind: 'data', stream: first, data: payload, fin };
  if (first >>> 16 !== VERSION) throw new SpdyFault('a frame that is not of SPDY/3');
  const type = first & 0xffff;
  const wanted = { [TYPE.synStream]: 10, [TYPE.rstStream]: 8, [TYPE.ping]: 4, [TYPE.headers]: 4 }[type] ?? 0;
  if (payload.length < wanted) throw new SpdyFault(`a frame of type ${type} that is too short`);
  switch (type) {
    case TYPE.synStream:
      return { kind: 'syn-stream', stream: streamOf(payload), block: payload.subarray(10), fin };
    case TYPE.headers:
      return { kind: 'headers', stream: streamOf(payload), block: payload.subarray(4), fin };
    case TYPE.rstStream:
      return { kind: 'rst-stream', stream: streamOf(payload) };
    case TYPE.ping:
      return { kind: 'ping', id: payload.readUInt32BE(0) };
    case TYPE.goAway:
      return { kind: 'goaway' };
    default:
      return { kind: 'ignored' };
  }
}

function streamOf(payload: Buffer): number {
  return payload.readUInt32BE(0) & 0x7fff_ffff;
}

/** Bytes of a stream. `data` is at most `MAX_FRAME_BYTES` long. */
export function dataFrame(stream: number, data: Buffer, fin = false): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(stream, 0);
  header.writeUInt8(fin ? FIN : 0, 4);
  header.writeUIntBE(data.length, 5, 3);
  return data.length === 0 ? header : Buffer.concat([header, data]);
}

/** An empty stored block, with which a sync flush ends: until it comes, Go's reader waits for more. */
const FLUSH = [0x00, 0x00, 0x00, 0xff, 0xff];

/**
 * Accepts a stream, with no headers. The block is an empty list (four zero bytes) stored in DEFLATE as it is, so that
 * nothing is compressed here; the first of a connection begins the zlib stream, without the dictionary.
 */
export function synReplyFrame(stream: number, isFirst: boolean): Buffer {
  const stored = [0x00, 0x04, 0x00, 0xfb, 0xff, 0, 0, 0, 0, ...FLUSH];
  return controlFrame(TYPE.synReply, stream, isFirst ? [0x78, 0x01, ...stored] : stored);
}

/** Ends a stream at once; the status is one of section 2.6.3. */
export function rstStreamFrame(stream: number, status: number): Buffer {
  return controlFrame(TYPE.rstStream, stream, [0, 0, 0, status]);
}

/** Answers a PING. */
export function pingFrame(id: number): Buffer {
  return controlFrame(TYPE.ping, id, []);
}

function controlFrame(type: number, first: number, rest: readonly number[]): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + 4 + rest.length);
  frame.writeUInt16BE(VERSION, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUIntBE(4 + rest.length, 5, 3);
  frame.writeUInt32BE(first, HEADER_BYTES);
  frame.set(rest, HEADER_BYTES + 4);
  return frame;
}
