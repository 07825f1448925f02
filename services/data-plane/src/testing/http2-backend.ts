import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FRAME, PREFACE } from '../http2/protocol.ts';
import { type Frame, frame, framesOf } from './http2-client.ts';
import { backendPolicy, createWorld, portResources } from './world.ts';

/**
 * A worker in front of an HTTP/2 backend that writes its frames by hand, and the backend's sockets.
 *
 * @param say what it says when a frame of that type has come on a stream; undefined: nothing
 * @param settings what its first frame says
 */
export async function worldInFrontOf(
  say: (type: number, stream: number) => Buffer | undefined,
  settings: Uint8Array = Buffer.alloc(0),
) {
  const sockets: Socket[] = [];
  const backend = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.write(frame(FRAME.SETTINGS, 0, 0, settings));
    let received = Buffer.alloc(0);
    let told = 0;
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      const frames: readonly Frame[] = framesOf(received.subarray(PREFACE.length));
      for (const { type, id } of frames.slice(told)) {
        const said = say(type, id);
        if (said !== undefined) socket.write(said);
      }
      told = frames.length;
    });
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const world = await createWorld();
  world.apply(
    ...portResources('http', world.httpPort, (backend.address() as AddressInfo).port),
    backendPolicy({ section: 'http', version: 'http2' }),
  );
  return {
    world,
    sockets,
    async stop() {
      await world.stop();
      for (const socket of sockets) socket.destroy();
      backend.close();
    },
  };
}
