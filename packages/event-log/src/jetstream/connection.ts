import { connect, type NatsConnection } from '@nats-io/transport-node';
import { StorageFault } from '../storage-fault.ts';
import { parseNatsUrl } from './nats-url.ts';

const RETRY_MS = 250;

/** Connects, trying again until `deadline`; afterwards the client reconnects for ever. Throws a StorageFault without credentials. */
export async function connectToNats(url: string, deadline: number): Promise<NatsConnection> {
  const { servers, tls, ...credentials } = parseNatsUrl(url);
  for (;;) {
    try {
      return await connect({
        servers: [...servers],
        ...credentials,
        ...(tls && { tls: {} }),
        name: 'pulseplane',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 0,
        // A frozen server is noticed after 2 s, not after minutes.
        pingInterval: 1000,
        maxPingOut: 2,
        timeout: 2000,
        noAsyncTraces: true,
        // A server that starts may refuse for a moment whom it will know.
        ignoreAuthErrorAbort: true,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (Date.now() > deadline) {
        throw new StorageFault('unavailable', `NATS at ${servers.join(', ')} cannot be reached: ${reason}`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Tells of each loss of the connection and of each reconnect, until the connection is closed. */
export async function watchConnection(
  nc: NatsConnection,
  { onLost, onReconnect }: { readonly onLost: () => void; readonly onReconnect: () => void },
): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === 'disconnect') onLost();
    if (type === 'reconnect') onReconnect();
  }
}
