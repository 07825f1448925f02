/** As much of HTTP/2 (RFC 9113) and of gRPC's framing as both ends of the bench need, by hand: the least that it can cost. */

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
const WINDOW_UPDATE = 8;

export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const HEADER_BYTES = 9;
const GRPC_HEADER_BYTES = 5;
const LARGEST_WINDOW = 0x7fffffff;
const DEFAULT_WINDOW = 0xffff;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.byteLength);
  bytes.writeUIntBE(payload.byteLength, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A gRPC message in one DATA frame. */
export function messageFrame(stream: number, message: Uint8Array): Buffer {
  const payload = Buffer.alloc(GRPC_HEADER_BYTES + message.byteLength);
  payload.writeUInt32BE(message.byteLength, 1);
  payload.set(message, GRPC_HEADER_BYTES);
  return frame(DATA, 0, stream, payload);
}

/** A header block of literals that are not indexed, so that the other end's table stays as it is (RFC 7541, 6.2.2). */
export function headersFrame(stream: number, fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  const block = fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)]));
  return frame(HEADERS, END_HEADERS, stream, Buffer.concat(block));
}

/** Both windows as large as they can be: neither end ever waits for the other. */
export function openingFrames(): Buffer {
  const INITIAL_WINDOW_SIZE = 4;
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
  settings.writeUInt32BE(LARGEST_WINDOW, 2);
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(LARGEST_WINDOW - DEFAULT_WINDOW, 0);
  return Buffer.concat([frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, increment)]);
}

export type FrameListener = (type: number, flags: number, payload: Buffer) => void;

/** Cuts what a connection receives into frames. */
export class FrameReader {
  #rest: Buffer | undefined;

  read(chunk: Buffer, take: FrameListener): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.byteLength - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.byteLength) break;
      take(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    this.#rest = at === bytes.byteLength ? undefined : bytes.subarray(at);
  }
}

/** Puts gRPC messages together from the DATA of a stream. */
export class MessageReader {
  #rest: Buffer | undefined;

  read(data: Buffer, take: (message: Buffer) => void): void {
    const bytes = this.#rest === undefined ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.byteLength - at >= GRPC_HEADER_BYTES) {
      const end = at + GRPC_HEADER_BYTES + bytes.readUInt32BE(at + 1);
      if (end > bytes.byteLength) break;
      take(bytes.subarray(at + GRPC_HEADER_BYTES, end));
      at = end;
    }
    this.#rest = at === bytes.byteLength ? undefined : bytes.subarray(at);
  }
}

/** A field of a protobuf message that is length-delimited, its last occurrence; undefined when it is not there. */
export function fieldOf(message: Buffer, number: number): Buffer | undefined {
  let found: Buffer | undefined;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.byteLength) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 2) {
      const length = varint();
      if (tag >>> 3 === number) found = message.subarray(at, at + length);
      at += length;
    } else throw new Error(`wire type ${wireType} is none that xDS messages have`);
  }
  return found;
}

/** A length-delimited field of fewer than 128 bytes. */
export function field(number: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.byteLength > 127) throw new Error(`${value} is too long for a field of this bench`);
  return Buffer.concat([Buffer.of((number << 3) | 2, bytes.byteLength), bytes]);
}
