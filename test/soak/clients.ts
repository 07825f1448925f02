import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

export const KINDS = ['tcp', 'http1', 'http2', 'websocket'] as const;
export type Kind = (typeof KINDS)[number];

/** One connection to the worker. */
export type Client = {
  readonly kind: Kind;
  /** Sends something over it and waits for the answer. */
  exchange(): Promise<void>;
  close(): void;
};

const ANSWER_WITHIN_MS = 20_000;

/** Opens a connection that has carried something. `onEnd` hears of an end that is not the client's own. */
export async function openClient(
  kind: Kind,
  ports: { readonly tcp: number; readonly http: number },
  onEnd: (why: string) => void,
): Promise<Client> {
  let isOver = false;
  const ended = (why: string) => {
    if (!isOver) onEnd(`${kind}: ${why}`);
    isOver = true;
  };
  const { exchange, close } = await OPEN[kind](kind === 'tcp' ? ports.tcp : ports.http, ended);
  const client: Client = {
    kind,
    async exchange() {
      try {
        await Promise.race([exchange(), late(kind)]);
      } catch (error) {
        ended(error instanceof Error ? error.message : String(error));
      }
    },
    close() {
      isOver = true;
      close();
    },
  };
  await client.exchange();
  return client;
}

async function late(kind: Kind): Promise<never> {
  await delay(ANSWER_WITHIN_MS, undefined, { ref: false });
  throw new Error(`no answer over ${kind} in ${ANSWER_WITHIN_MS} ms`);
}

type Opened = { exchange(): Promise<void>; close(): void };
type Ended = (why: string) => void;

const OPEN: Readonly<Record<Kind, (port: number, ended: Ended) => Promise<Opened>>> = {
  async tcp(port, ended) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', (error) => ended(error.message));
    socket.on('close', () => ended('closed'));
    return {
      async exchange() {
        socket.write('hello');
        await once(socket, 'data');
      },
      close: () => void socket.destroy(),
    };
  },

  async http1(port, ended) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let sockets = 0;
    return {
      async exchange() {
        const request = get({ port, host: '127.0.0.1', agent });
        request.once('socket', (socket) => {
          if (request.reusedSocket) return;
          sockets += 1;
          socket.once('close', () => ended('closed'));
        });
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        response.resume();
        await once(response, 'end');
        if (response.statusCode !== 200 || sockets > 1) ended(`${response.statusCode} over connection ${sockets}`);
      },
      close: () => agent.destroy(),
    };
  },

  async http2(port, ended) {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    await once(session, 'connect');
    session.on('error', (error) => ended(error.message));
    session.on('goaway', (code) => ended(`GOAWAY ${code}`));
    session.on('close', () => ended('closed'));
    return {
      async exchange() {
        const stream = session.request({ ':path': '/' });
        const [headers] = await once(stream, 'response');
        stream.resume();
        await once(stream, 'end');
        if (headers[':status'] !== 200) ended(`${headers[':status']}`);
      },
      close: () => session.destroy(),
    };
  },

  async websocket(port, ended) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    socket.on('error', (error) => ended(error.message));
    socket.on('close', (code) => ended(`closed with ${code}`));
    return {
      async exchange() {
        socket.send('hello');
        await once(socket, 'message');
      },
      close: () => socket.terminate(),
    };
  },
};
