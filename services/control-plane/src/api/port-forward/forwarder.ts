import { type Duplex, pipeline } from 'node:stream';
import type { SpdyStream } from './spdy-session.ts';

/** Opens the far end of a forwarded connection. A rejection's message is for the person at the client. */
export type Dial = (port: number) => Promise<Duplex>;

/** How long a forwarded connection may be silent both ways, and how long its second stream may take to come. */
const IDLE_MS = 10 * 60_000;
const PAIR_WITHIN_MS = 30_000;

/**
 * Takes the streams of Kubernetes' port-forward protocol: for each connection one for errors and one for data, which
 * have the same `requestid`.
 */
export function createForwarder(dial: Dial): (opened: SpdyStream) => void {
  const errors = new Map<string, Duplex>();
  return ({ headers, stream }) => {
    const id = headers.get('requestid') ?? '';
    const port = Number(headers.get('port'));
    switch (headers.get('streamtype')) {
      case 'error': {
        errors.get(id)?.destroy();
        errors.set(id, stream);
        // The client says nothing on it; without a reader its end would not be seen.
        stream.resume();
        const timer = setTimeout(() => stream.destroy(), PAIR_WITHIN_MS);
        stream.once('close', () => {
          clearTimeout(timer);
          if (errors.get(id) === stream) errors.delete(id);
        });
        stream.once('paired', () => clearTimeout(timer));
        return;
      }
      case 'data': {
        const error = errors.get(id);
        if (error === undefined) return void stream.destroy();
        errors.delete(id);
        error.emit('paired');
        return void forward(stream, error, () => dial(port));
      }
      default:
        stream.destroy();
    }
  };
}

async function forward(data: Duplex, error: Duplex, dial: () => Promise<Duplex>): Promise<void> {
  let far: Duplex;
  try {
    far = await dial();
  } catch (reason) {
    error.end(reason instanceof Error ? reason.message : String(reason));
    data.destroy();
    return;
  }
  const idle = setTimeout(() => far.destroy(new Error(`nothing was said for ${IDLE_MS / 60_000} minutes`)), IDLE_MS);
  for (const side of [data, far]) side.on('data', () => idle.refresh());
  let broken: string | undefined;
  far.once('error', ({ message }) => {
    broken = message;
  });
  far.once('close', () => {
    clearTimeout(idle);
    // The client waits for the end of this stream before it takes the connection for done.
    error.end(broken);
  });
  // Each half ends by itself; what breaks one side ends the other.
  pipeline(data, far, (fault) => fault && far.destroy());
  pipeline(far, data, (fault) => fault && data.destroy());
}
