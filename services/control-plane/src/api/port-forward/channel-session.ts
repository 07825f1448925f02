import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { WebSocket } from 'ws';
import type { SpdyStream } from './spdy-session.ts';

/** Of Kubernetes' client libraries: for each port a channel of data and one of errors, named by each message's first byte. */
export const CHANNEL_PROTOCOL = 'v4.channel.k8s.io';

const MAX_PORTS = 16;

/** Reads the ports that a client wants forwarded, in its query; an error is for the person at the client. */
export function readPorts(query: string): readonly number[] | { readonly error: string } {
  const given = new URLSearchParams(query).getAll('ports').flatMap((ports) => ports.split(','));
  if (given.length === 0) return { error: 'query parameter "ports" is required' };
  if (given.length > MAX_PORTS) return { error: `ports: ${given.length} are more than ${MAX_PORTS}` };
  const wrong = given.find((port) => !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535);
  if (wrong !== undefined) return { error: `ports: Invalid value: ${JSON.stringify(wrong)}: must be 1 to 65535` };
  return given.map(Number);
}

/**
 * Serves one connection to each port, until all have ended or the client leaves. A stream that is not read holds the
 * whole websocket back.
 */
export async function serveChannels(
  websocket: WebSocket,
  ports: readonly number[],
  onStream: (opened: SpdyStream) => void,
): Promise<void> {
  const streams = ports.flatMap((port, index) =>
    ['data', 'error'].map((type, offset) => openChannel(websocket, index * 2 + offset, port, type)),
  );
  websocket.on('message', (message: Buffer) => {
    const stream = streams[message[0] ?? 0]?.stream;
    if (stream !== undefined && !stream.destroyed && !stream.push(message.subarray(1))) websocket.pause();
  });
  websocket.on('error', () => undefined);
  websocket.once('close', () => {
    for (const { stream } of streams) stream.destroy();
  });
  // The error stream of each pair first: who takes the other looks for it.
  for (const opened of [...streams].reverse()) onStream(opened);
  await Promise.allSettled(streams.map(({ stream }) => finished(stream, { readable: false })));
  websocket.close();
}

function openChannel(websocket: WebSocket, channel: number, port: number, streamtype: string): SpdyStream {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(port);
  const send = (data: Buffer, done?: (fault?: Error | null) => void): void =>
    websocket.send(Buffer.concat([Buffer.of(channel), data]), (fault) => done?.(fault));
  const stream = new Duplex({
    read: () => websocket.resume(),
    write: (data: Buffer, _encoding, done) => send(data, done),
  });
  // What breaks it is seen by those who read and write it.
  stream.on('error', () => undefined);
  send(number);
  const requestid = String(channel >> 1);
  return { headers: new Map([...Object.entries({ streamtype, requestid, port: String(port) })]), stream };
}
