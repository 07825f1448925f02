import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, headersTooLarge, requestTimedOut, type Status } from './status.ts';

/** Answers on the bare connection, which ends with it. */
export function refuseOnSocket(socket: Duplex, status: Status): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Answers what did not become a request: it is no HTTP, its headers are too large, or it did not come in time. */
export function refuseUnread({ code, message }: Error & { readonly code?: string }, socket: Duplex): void {
  if (socket.writable && code !== 'ECONNRESET') refuseOnSocket(socket, unreadStatus(code, message));
  else socket.destroy();
}

function unreadStatus(code: string | undefined, message: string): Status {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTimedOut();
  return code === 'HPE_HEADER_OVERFLOW' ? headersTooLarge() : badRequest(`the request is not HTTP: ${message}`);
}
