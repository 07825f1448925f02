import { connect, type Socket } from 'node:net';
import {
  ACK,
  DATA,
  END_STREAM,
  FrameReader,
  field,
  fieldOf,
  frame,
  GOAWAY,
  HEADERS,
  headersFrame,
  MessageReader,
  messageFrame,
  openingFrames,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
} from './frames.ts';
import { firstRequest, PATH, REQUEST_NONCE, REQUEST_TYPE_URL, RESPONSE_NONCE } from './messages.ts';

/** What the clients' process is told: where to connect, as how many nodes. */
export type Opening = {
  readonly port: number;
  readonly streams: number;
  readonly role: string;
  readonly typeUrl: string;
};

/** Each time all streams have acknowledged one response more: when each did, in ms of the monotonic clock. */
export type Acknowledged = { readonly times: readonly number[] };

/** Connections that are being opened at a time. */
const OPENING = 100;
const STREAM = 1;

/** The monotonic clock, which all processes share, in milliseconds. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Delta clients, each on a connection of its own: they take everything, and acknowledge each response with its nonce. */
process.once('message', (opening: Opening) => {
  const { streams, typeUrl } = opening;
  const answer = field(REQUEST_TYPE_URL, typeUrl);
  let times: number[] = [];
  let opened = 0;
  const acknowledged = (): void => {
    times.push(now());
    if (times.length < streams) return;
    process.send?.({ times } satisfies Acknowledged);
    times = [];
  };
  const openNext = (): void => {
    if (opened === streams) return;
    const index = opened;
    opened += 1;
    openStream(opening, index, answer, openNext, acknowledged);
  };
  for (let count = 0; count < OPENING; count += 1) openNext();
});

function openStream(
  { port, role, typeUrl }: Opening,
  index: number,
  answer: Buffer,
  isOpen: () => void,
  acknowledged: () => void,
): void {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const frames = new FrameReader();
  const messages = new MessageReader();
  let isFirst = true;
  socket.write(
    Buffer.concat([
      PREFACE,
      openingFrames(),
      headersFrame(STREAM, [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', PATH],
        [':authority', `127.0.0.1:${port}`],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
      ]),
      messageFrame(STREAM, firstRequest(`node-${index}`, role, typeUrl)),
    ]),
  );
  const answerResponse = (message: Buffer): void => {
    const nonce = fieldOf(message, RESPONSE_NONCE);
    if (nonce === undefined) throw new Error(`stream ${index}: a response without a nonce`);
    socket.write(messageFrame(STREAM, Buffer.concat([answer, field(REQUEST_NONCE, nonce.toString())])));
    acknowledged();
    if (isFirst) isOpen();
    isFirst = false;
  };
  socket.on('data', (chunk: Buffer) =>
    frames.read(chunk, (type, flags, payload) => {
      const ends = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
      if (ends || type === RST_STREAM || type === GOAWAY) throw new Error(`stream ${index} was ended by the server`);
      if (type === DATA) messages.read(payload, answerResponse);
      else if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
      else if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload));
    }),
  );
  socket.on('error', (error) => {
    throw error;
  });
}
