import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

/** What became of requests. Only one that was sent and not answered is lost. */
export type Load = { served: number; refused: number; readonly lost: string[] };

/** Requests one after the other, over one kept connection or over one each. */
export async function overHttp1(port: number, load: Load, isOver: () => boolean, keepAlive = true): Promise<void> {
  const agent = new Agent({ keepAlive, maxSockets: 1 });
  while (!isOver()) {
    try {
      const request = get({ port, host: '127.0.0.1', agent, path: '/' });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      if (response.statusCode === 200) load.served += 1;
      else load.lost.push(`HTTP/1.1 ${response.statusCode}`);
    } catch (error) {
      await failed(load, 'HTTP/1.1', error);
    }
  }
  agent.destroy();
}

/** Requests one after the other over one session. */
export async function overHttp2(port: number, load: Load, isOver: () => boolean): Promise<void> {
  let session: ClientHttp2Session | undefined;
  while (!isOver()) {
    try {
      if (session === undefined || session.closed || session.destroyed) {
        session = connect(`http://127.0.0.1:${port}`);
        session.on('error', () => undefined);
        await once(session, 'connect');
      }
      const stream = session.request({ ':path': '/' });
      const [headers] = await once(stream, 'response');
      stream.resume();
      await once(stream, 'end');
      if (headers[':status'] === 200) load.served += 1;
      else load.lost.push(`HTTP/2 ${headers[':status']}`);
    } catch (error) {
      await failed(load, 'HTTP/2', error);
    }
  }
  session?.close();
}

async function failed(load: Load, version: string, error: unknown): Promise<void> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const text = `${version} ${code} ${error instanceof Error ? error.message : ''}`;
  // Nobody listens, the session said that it takes no more, or that it did not look at the request (RFC 9113, 8.7).
  const isRefused = code === 'ECONNREFUSED' || code === 'ERR_HTTP2_GOAWAY_SESSION' || text.includes('REFUSED_STREAM');
  if (isRefused) load.refused += 1;
  else load.lost.push(text);
  await sleep(20);
}
