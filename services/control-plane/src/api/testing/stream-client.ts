import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** How long a test waits for the next part of a stream. */
const PATIENCE_MS = 5_000;

export type StreamClient = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The next part; undefined when the stream has ended. */
  next(): Promise<string | undefined>;
  /** All parts that are still to come. */
  rest(): Promise<readonly string[]>;
  /** Leaves without a word. */
  leave(): void;
};

/** Listens on a free port of 127.0.0.1 and gives the URL. */
export async function listen(app: FastifyInstance): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

/** Opens a stream over a socket of its own and reads its parts (lines, unless told otherwise). */
export async function openStream(
  url: string,
  {
    headers = {},
    separator = '\n',
    localAddress,
  }: {
    readonly headers?: Record<string, string>;
    readonly separator?: string;
    /** The address that the client has, where it is to be another than that of the rest. */
    readonly localAddress?: string;
  } = {},
): Promise<StreamClient> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false, localAddress }, resolve).on('error', reject);
  });
  response.setEncoding('utf8');
  const parts: string[] = [];
  let text = '';
  let ended = false;
  let wake = (): void => undefined;
  response.on('data', (chunk: string) => {
    const pieces = (text + chunk).split(separator);
    text = pieces.pop() ?? '';
    parts.push(...pieces);
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  response.on('close', end);
  response.on('error', end);
  const next = async (): Promise<string | undefined> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (parts.length === 0 && !ended) {
      if (Date.now() >= deadline) throw new Error(`nothing came from ${url}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return parts.shift();
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    rest: async () => {
      const all: string[] = [];
      for (let part = await next(); part !== undefined; part = await next()) all.push(part);
      return all;
    },
    leave: () => response.destroy(),
  };
}
