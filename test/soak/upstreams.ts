import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { WebSocketServer } from 'ws';

/** Where the worker leads: one echoes bytes, one answers requests and echoes messages of websockets. */
export async function startUpstreams(ports: { readonly raw: number; readonly http: number }): Promise<void> {
  const raw = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(ports.raw, '127.0.0.1');
  const http = createHttpServer((_request, response) => void response.end('hello\n')).listen(ports.http, '127.0.0.1');
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (message) => socket.send(message));
  });
  await Promise.all([once(raw, 'listening'), once(http, 'listening')]);
}
