import { type IncomingMessage, ServerResponse, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { type Connection, type Served, upgradedProtocol } from '../connection/connection.ts';
import { websocketAccept } from '../upstream/websocket-key.ts';
import type { Upgrade } from './exchange.ts';
import { headerValue } from './headers.ts';
import { hasBody } from './http1-exchange.ts';

/** HTTP/2 on a connection that routes by HTTP/1.1 would lead past the routes; one that wants it says so by its preface. */
const IGNORED = new Set(['h2c', 'h2']);
const PROTOCOL = /^[!#$%&'*+.^`|~\w/-]+$/;

/** Whether it is one protocol, in lower case, to which a client may change. */
export function mayChangeTo(name: string): boolean {
  return PROTOCOL.test(name) && !IGNORED.has(name);
}

/**
 * The protocols that a request wants to change to and may; undefined where the wish is ignored, as it may be
 * (RFC 9110, section 7.8).
 */
export function wantedProtocols(request: IncomingMessage): string | undefined {
  if (request.httpVersion === '1.0' || hasBody(request)) return undefined;
  const names = (request.headers.upgrade ?? '').split(',').map((name) => name.trim().toLowerCase());
  const wanted = names.filter(mayChangeTo);
  return wanted.length === 0 ? undefined : wanted.join(', ');
}

/**
 * Puts a request back before the bytes that follow it, without its wish for another protocol, so that it can be read as
 * an ordinary one. Node's parser has no other way to go on after an upgrade.
 *
 * @returns false when the request cannot be written as it was read
 */
export function putBack(request: IncomingMessage, socket: Socket, rest: Buffer): boolean {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  try {
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
      if (name.toLowerCase() === 'upgrade') continue;
      validateHeaderValue(name, value);
      head += `${name}: ${value}\r\n`;
    }
  } catch {
    return false;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), rest]));
  return true;
}

/** A response of a request that Node's server has let go of. The connection ends with it. */
export function lastResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.on('error', () => undefined);
  response.once('finish', () => socket.destroySoon());
  return response;
}

/**
 * The upgrade of an HTTP/1.1 connection. Until the backend says yes nothing of what follows the request is taken, but a
 * client that goes is noticed.
 *
 * @param onUpgraded the connection carries another protocol from now on
 */
export function http1Upgrade(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  protocol: string,
  onUpgraded: () => void,
): Upgrade {
  const { socket } = connection;
  const onReadable = () => {
    // Reading is what brings the end out; bytes that came too early stay.
    if (socket.readableLength === 0) socket.read();
  };
  const onEnd = () => connection.close('peer');
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  return {
    protocol,
    accept(chosen, headers) {
      if (response.headersSent || socket.destroyed) return undefined;
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      const key = headerValue(request.rawHeaders, 'sec-websocket-key');
      const isSigned = headerValue(headers, 'sec-websocket-accept') !== undefined;
      const accept =
        key === undefined || isSigned || chosen !== 'websocket' ? [] : ['sec-websocket-accept', websocketAccept(key)];
      response.writeHead(101, [...headers, ...accept, 'connection', 'upgrade', 'upgrade', chosen]);
      response.flushHeaders();
      // The client's end, or the backend's that is passed on.
      socket.once('end', () => connection.sideEnded('peer'));
      socket.once('finish', () => connection.sideEnded('upstream'));
      connection.serveAs(rawServing(upgradedProtocol(chosen)));
      onUpgraded();
      return socket;
    },
  };
}

function rawServing(protocol: 'websocket' | 'upgraded'): Served {
  return {
    protocol,
    applyHttp: () => undefined,
    closeGracefully: () => undefined,
    destroy: () => undefined,
    lastPingRttMs: () => undefined,
  };
}
