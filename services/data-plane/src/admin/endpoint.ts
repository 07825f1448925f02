import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { hostOf } from '../tables/hostname.ts';

/** What a page answers. */
export type Page = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** The methods that would do, for a 405. */
  readonly allow?: string;
};

/** Pages by path. */
type Pages = Readonly<Record<string, (query: URLSearchParams) => Page | Promise<Page>>>;

/** One of the worker's own ports could not be opened. */
export class EndpointListenError extends Error {
  readonly part: string;
  readonly address: string;
  readonly port: number;
  /** The errno name, such as `EADDRINUSE`. */
  readonly code: string;

  constructor(part: string, address: string, port: number, code: string) {
    super(`the ${part} port ${address}:${port} could not be opened: ${code}`);
    this.name = 'EndpointListenError';
    this.part = part;
    this.address = address;
    this.port = port;
    this.code = code;
  }
}

/** A small HTTP server of the worker's own. */
export type Endpoint = {
  /** Rejects with an `EndpointListenError`. */
  listen(): Promise<void>;
  /** The port in use; differs from the configured one when that is 0. */
  port(): number;
  close(): Promise<void>;
};

export type EndpointOptions = {
  /** How errors name it. */
  readonly part: string;
  readonly address: string;
  readonly port: number;
  /** For GET and HEAD. */
  readonly pages: Pages;
  /** For POST. */
  readonly actions?: Pages;
  /** Host names under which it may be called, besides loopback names and IP addresses. */
  readonly hosts?: readonly string[];
};

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { part, address, port, pages, actions = {}, hosts = [] } = options;
  const names = new Set(['localhost', address.toLowerCase(), ...hosts.map((host) => host.toLowerCase())]);
  const server: Server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      send(response, text(500, error instanceof Error ? error.message : 'internal error'), false);
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const head = request.method === 'HEAD';
    const host = hostOf(request.headers.host ?? '');
    // Otherwise a web page could point its own name at loopback and read what is here.
    if (!names.has(host) && isIP(host.replace(/^\[|\]$/g, '')) === 0) {
      return send(response, text(403, `host ${host} is not served here`), head);
    }
    const [path = '/', ...rest] = (request.url ?? '/').split('?');
    const query = new URLSearchParams(rest.join('?'));
    const action = Object.hasOwn(actions, path) ? actions[path] : undefined;
    if (action !== undefined) {
      if (request.method !== 'POST')
        return send(response, { ...text(405, 'only POST is served here'), allow: 'POST' }, head);
      // A web page of somebody else can send a POST to any address.
      if (request.headers.origin !== undefined) return send(response, text(403, 'not from a web page'), head);
      return send(response, await action(query), head);
    }
    if (request.method !== 'GET' && !head) {
      return send(response, { ...text(405, 'only GET is served here'), allow: 'GET, HEAD' }, head);
    }
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    send(
      response,
      page === undefined ? text(404, `not found; try ${Object.keys(pages).join(', ')}`) : await page(query),
      head,
    );
  };

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => {
          reject(new EndpointListenError(part, address, port, error.code ?? error.message));
        });
        server.listen({ host: address, port }, () => {
          server.removeAllListeners('error');
          server.on('error', () => undefined);
          resolve();
        });
      }),
    port: () => (server.address() as AddressInfo | null)?.port ?? port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A page of one line of plain text. */
export function text(status: number, line: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` };
}

/** A page of JSON, two spaces deep as agentgateway's. */
export function json(value: unknown): Page {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

function send(response: ServerResponse, page: Page, head: boolean): void {
  response.on('error', () => undefined);
  if (response.headersSent || response.destroyed) return;
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': Buffer.byteLength(page.body),
    ...(page.allow !== undefined && { allow: page.allow }),
  });
  response.end(head ? undefined : page.body);
}
