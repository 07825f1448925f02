import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { refOf } from '../../command/index.ts';
import type { ApiOptions } from '../api-options.ts';
import { ADMIN_PORT, POD } from '../cluster-view/kinds.ts';
import { badRequest, notFound, tooManyRequests } from '../status.ts';
import { refuseOnSocket } from '../unread-request.ts';
import { refuseForeign } from '../web-safety.ts';
import { CHANNEL_PROTOCOL, readPorts, serveChannels } from './channel-session.ts';
import { createForwarder, type Dial } from './forwarder.ts';
import { MAX_FRAME_BYTES } from './spdy-frames.ts';
import { serveSpdy } from './spdy-session.ts';

/** kubectl 1.31 and newer: SPDY's frames in those of a websocket. */
const WEBSOCKET_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const WEBSOCKET_HEADER = 'Sec-WebSocket-Protocol';
/** Older ones: SPDY in place of HTTP. */
const SPDY_VERSION_HEADER = 'X-Stream-Protocol-Version';
const SPDY_PROTOCOL = 'portforward.k8s.io';

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward$/;
const MAX_SESSIONS = 256;
const RETRY_AFTER_SECONDS = 5;
/** The kernel finds clients that are gone without a word. */
const KEEPALIVE_MS = 30_000;

/** Serves `kubectl port-forward` to the admin ports of workers, which answers an upgrade of the HTTP connection. */
export function addPortForward(app: FastifyInstance, options: ApiOptions): void {
  const sessions = new Set<Duplex>();
  const websockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const channels = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => CHANNEL_PROTOCOL,
  });
  websockets.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${WEBSOCKET_PROTOCOL}`));

  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const [, namespace, name] = PATH.exec(path) ?? [];
    if (namespace === undefined || name === undefined) return serveWithoutUpgrade(app.server, request, socket, head);
    const foreign = refuseForeign(request.headers, options.allowedHosts);
    if (foreign !== undefined) return refuseOnSocket(socket, foreign);
    const worker = options.clusterView.worker(refOf(POD, namespace, name));
    if (worker === undefined) return refuseOnSocket(socket, notFound(POD, name));
    if (sessions.size >= MAX_SESSIONS) {
      return refuseOnSocket(
        socket,
        tooManyRequests(`${MAX_SESSIONS} port-forwards are open already`, RETRY_AFTER_SECONDS),
      );
    }
    const dial: Dial = async (port) => {
      if (port !== ADMIN_PORT)
        throw new Error(`only port ${ADMIN_PORT} (admin) of a worker can be forwarded, not ${port}`);
      const opened = await options.openToWorker(worker.node, { kind: 'admin' });
      if (opened.kind === 'refused') throw new Error(`the worker cannot be reached: ${opened.reason}`);
      return opened.stream;
    };
    const serve = (connection: Duplex, session: () => Promise<void>): void => {
      const about = { requestId: options.newId(), pod: name, namespace };
      sessions.add(connection);
      connection.once('close', () => sessions.delete(connection));
      options.logger.info(about, 'port-forward begins');
      session().then(
        () => options.logger.info(about, 'port-forward ended'),
        (error: unknown) => options.logger.info({ ...about, err: error }, 'port-forward broke'),
      );
    };
    const fault = protocolFault(request.headers);
    if (fault !== undefined) return refuseOnSocket(socket, badRequest(fault));
    if (socket instanceof Socket) socket.setKeepAlive(true, KEEPALIVE_MS);
    const spdy = (connection: Duplex): void => serve(connection, () => serveSpdy(connection, createForwarder(dial)));
    if (isWebsocket(request.headers) && !offers(request.headers, WEBSOCKET_PROTOCOL)) {
      const ports = readPorts(query);
      if ('error' in ports) return refuseOnSocket(socket, badRequest(ports.error));
      channels.handleUpgrade(request, socket, head, (websocket) =>
        serve(socket, () => serveChannels(websocket, ports, createForwarder(dial))),
      );
      return;
    }
    if (isWebsocket(request.headers)) {
      // ws refuses the name for its slash; it is answered above, where the headers are written.
      delete request.headers['sec-websocket-protocol'];
      websockets.handleUpgrade(request, socket, head, (websocket) => spdy(createWebSocketStream(websocket)));
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${SPDY_VERSION_HEADER}: ${SPDY_PROTOCOL}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    spdy(socket);
  });
  // The server waits for its connections, and these do not end by themselves.
  app.addHook('preClose', () => {
    for (const session of sessions) session.destroy();
    return Promise.resolve();
  });
}

function isWebsocket({ upgrade }: IncomingHttpHeaders): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

/** What is wrong with how the client wants to speak. */
function protocolFault(headers: IncomingHttpHeaders): string | undefined {
  const isSpdy = headers.upgrade?.toLowerCase() === 'spdy/3.1';
  if (!isSpdy && !isWebsocket(headers)) return 'the upgrade has to be to websocket or SPDY/3.1';
  if (isSpdy) {
    return offers(headers, SPDY_PROTOCOL, SPDY_VERSION_HEADER)
      ? undefined
      : `${SPDY_VERSION_HEADER}: has to offer ${SPDY_PROTOCOL}`;
  }
  if (offers(headers, WEBSOCKET_PROTOCOL) || offers(headers, CHANNEL_PROTOCOL)) return undefined;
  return `${WEBSOCKET_HEADER}: has to offer ${WEBSOCKET_PROTOCOL} or ${CHANNEL_PROTOCOL}`;
}

function offers(headers: IncomingHttpHeaders, protocol: string, header = WEBSOCKET_HEADER): boolean {
  return String(headers[header.toLowerCase()] ?? '')
    .split(/,\s*/)
    .includes(protocol);
}

/**
 * An upgrade may be ignored (RFC 9110, 7.8), and has to be where nothing can be upgraded: Java's client offers h2c on
 * every first request. The request is read again without it.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  socket.removeAllListeners('error');
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
