import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST_PORT = 10_000;
const FIRST_EPHEMERAL_PORT = 32_768;
const given = new Set<number>();

/**
 * A port that nobody listens on now. It lies below those that the kernel gives to whoever asks for any port: until it is
 * used, seconds later on a busy machine, others would be given it, and answer in place of what is tested.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
