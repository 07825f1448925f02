import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ChangeLines } from './change-lines.ts';
import {
  ACK,
  DATA,
  FrameReader,
  field,
  fieldOf,
  frame,
  HEADERS,
  headersFrame,
  MessageReader,
  messageFrame,
  openingFrames,
  PREFACE,
  SETTINGS,
} from './frames.ts';
import { REQUEST_NONCE, RESPONSE_NONCE, responseOf } from './messages.ts';

/**
 * The floor: nothing but HTTP/2 frames on sockets. The same bytes go to everybody, and of what comes the nonces are read.
 */
const STREAM = 1;
const lines = new ChangeLines(Number(process.argv[2]));
const sockets = new Set<Socket>();
let version = 0;
let response = encode(version);

function encode(of: number): Buffer {
  return messageFrame(STREAM, Buffer.concat([responseOf(of), field(RESPONSE_NONCE, String(of))]));
}

const server = createServer({ noDelay: true }, (socket) => {
  const frames = new FrameReader();
  const messages = new MessageReader();
  let preface = PREFACE.byteLength;
  sockets.add(socket);
  socket.write(openingFrames());
  const take = (request: Buffer): void => {
    const nonce = fieldOf(request, REQUEST_NONCE);
    if (nonce === undefined) socket.write(response);
    else if (nonce.toString() === String(version)) lines.acknowledged();
  };
  socket.on('data', (chunk: Buffer) => {
    const skipped = Math.min(preface, chunk.byteLength);
    preface -= skipped;
    frames.read(chunk.subarray(skipped), (type, flags, payload) => {
      if (type === DATA) messages.read(payload, take);
      else if (type === HEADERS) {
        socket.write(
          headersFrame(STREAM, [
            [':status', '200'],
            ['content-type', 'application/grpc'],
          ]),
        );
      } else if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    });
  });
  socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () =>
  lines.serve((server.address() as AddressInfo).port, (next) => {
    version = next;
    response = encode(version);
    for (const socket of sockets) socket.write(response);
  }),
);
