import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { EventLog } from '../event-log.ts';
import { type JetStreamOptions, openJetStreamEventLog } from '../jetstream/index.ts';
import { NatsServer } from './nats-server.ts';

/** A server, its files, and everything that a test opens on it; all is gone when the test ends. */
export class JetStreamFixture {
  readonly server: NatsServer;
  readonly #directory = mkdtempSync(join(tmpdir(), 'pulseplane-jetstream-'));
  readonly #logs: EventLog[] = [];
  readonly #connections: NatsConnection[] = [];

  private constructor(server: NatsServer) {
    this.server = server;
  }

  static async start(args?: readonly string[]): Promise<JetStreamFixture> {
    return new JetStreamFixture(await NatsServer.start(args));
  }

  /** A replica; the same name opens the same file again. */
  async open(name: string, options: Partial<JetStreamOptions> = {}): Promise<EventLog> {
    const log = await openJetStreamEventLog({ url: this.server.url, file: this.file(name), ...options });
    this.#logs.push(log);
    return log;
  }

  file(name: string): string {
    return join(this.#directory, `${name}.db`);
  }

  /** A client beside the logs, to interfere with them. */
  async client(): Promise<{ readonly nc: NatsConnection; readonly jsm: JetStreamManager }> {
    const nc = await connect({ servers: `127.0.0.1:${this.server.port}`, user: 'pulse', pass: 'pulse' });
    this.#connections.push(nc);
    return { nc, jsm: await jetstreamManager(nc) };
  }

  async close(): Promise<void> {
    for (const log of this.#logs) await log.close();
    for (const nc of this.#connections) await nc.close();
    await this.server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Waits until something holds, and fails with its name after ten seconds. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
