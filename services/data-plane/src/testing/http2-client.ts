import { FLAG, FRAME, PREFACE } from '../http2/protocol.ts';
import type { SessionSettings } from '../http2/sending.ts';
import { Http2Session } from '../http2/session.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { IdleFrame } from '../http2/streams.ts';

export type Frame = { readonly type: number; readonly flags: number; readonly id: number; readonly payload: Buffer };

export const SETTINGS: SessionSettings = {
  windowBytes: 100_000,
  connectionWindowBytes: 200_000,
  maxFrameBytes: 16_384,
  maxHeaderBytes: 16_384,
  maxStreams: 5,
};

/** `GET /`, `:scheme http`, `:authority a`, all names from HPACK's static table. */
export const GET = Buffer.from([0x82, 0x86, 0x84, 0x41, 1, 0x61]);
/** The same with `POST`. */
export const POST = Buffer.from([0x83, 0x86, 0x84, 0x41, 1, 0x61]);

/** Of a `POST /`. */
export const PSEUDO = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const;

/** A literal field that is not put into a table. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

export function frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** A payload of one number. */
export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), word(value)]);
}

/** The whole frames of what was received. */
export function framesOf(bytes: Buffer): Frame[] {
  const found: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    found.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return found;
}

/** A session, and a client that writes its frames by hand. Time is turned by hand too. */
export function rawClient(settings: Partial<SessionSettings> = {}) {
  const seen = {
    streams: [] as Http2Stream[],
    idle: [] as IdleFrame[],
    wasted: 0,
    ended: 0,
    rtts: [] as number[],
    endsSeen: 0,
    goaways: [] as number[],
    errors: [] as string[],
    now: 0,
  };
  const session = new Http2Session(
    { settings: { ...SETTINGS, ...settings }, settingsTimeoutMs: 1_000, now: () => seen.now },
    {
      onStream: (stream) => void seen.streams.push(stream),
      onOutput: () => undefined,
      onIdleFrame: (one) => void seen.idle.push(one),
      onWasted: () => {
        seen.wasted += 1;
      },
      onStreamEnd: () => {
        seen.ended += 1;
      },
      onPingAck: (rttMs) => void seen.rtts.push(rttMs),
      onEndSeen: () => {
        seen.endsSeen += 1;
      },
      onPeerGoaway: (code) => void seen.goaways.push(code),
      onError: (error) => void seen.errors.push(error.message),
    },
  );
  const take = () => framesOf(Buffer.concat(session.take(false)));
  const client = {
    session,
    seen,
    take,
    send(type: number, flags = 0, id = 0, payload: Uint8Array = Buffer.alloc(0)) {
      session.receive(frame(type, flags, id, payload));
    },
    /** A whole request. */
    get: (id: number) => client.send(FRAME.HEADERS, FLAG.END_STREAM | FLAG.END_HEADERS, id, GET),
    /** A request whose body follows. */
    post(id: number): Http2Stream {
      client.send(FRAME.HEADERS, FLAG.END_HEADERS, id, POST);
      const stream = seen.streams.at(-1);
      if (stream === undefined) throw new Error('no stream was opened');
      return stream;
    },
    /** Codes of the GOAWAYs and resets that have not been looked at, as `goaway 1` and `reset 1 of 3`. */
    complaints: () =>
      take().flatMap(({ type, id, payload }) => {
        if (type === FRAME.GOAWAY) return [`goaway ${payload.readUInt32BE(4)}`];
        return type === FRAME.RST_STREAM ? [`reset ${payload.readUInt32BE(0)} of ${id}`] : [];
      }),
  };
  session.receive(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
  client.send(FRAME.SETTINGS, FLAG.ACK);
  return client;
}
