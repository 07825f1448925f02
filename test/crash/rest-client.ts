import { Agent, type IncomingMessage, request } from 'node:http';

/** `body` is undefined where the connection broke in the middle of it. */
export type Answer = { readonly status: number; readonly requestId: string; readonly body: unknown };

export type RestRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Goes into the event as the program that caused it. */
  readonly userAgent: string;
  readonly body?: object;
};

/** A client with one connection that it keeps. */
export class RestClient {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.#port = port;
  }

  /** Undefined when the server died before the head of its answer arrived. */
  send({ method, path, userAgent, body }: RestRequest): Promise<Answer | undefined> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return new Promise((resolve) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          agent: this.#agent,
          method,
          path,
          headers: {
            'user-agent': userAgent,
            ...(text !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
          },
        },
        (response) => {
          const { statusCode = 0, headers } = response;
          const requestId = String(headers['x-request-id'] ?? '');
          void readJson(response).then((read) => resolve({ status: statusCode, requestId, body: read }));
        },
      );
      sent.on('error', () => resolve(undefined));
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(Buffer.from(chunk));
  } catch {
    return undefined;
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}
