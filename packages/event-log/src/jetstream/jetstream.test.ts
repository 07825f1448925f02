import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventLogContract } from '../testing/event-log-contract.ts';
import { NatsServer, whyNoNatsServer } from '../testing/nats-server.ts';
import { openJetStreamEventLog } from './index.ts';

const missing = whyNoNatsServer();
const directory = mkdtempSync(join(tmpdir(), 'pulseplane-jetstream-'));
let server: NatsServer | undefined;
let opened = 0;

before(async () => {
  if (missing === undefined) server = await NatsServer.start();
});
after(async () => {
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

if (missing === undefined) {
  eventLogContract({
    name: 'jetstream',
    open: () => {
      opened += 1;
      return openJetStreamEventLog({
        url: server?.url ?? '',
        file: join(directory, `contract-${opened}.db`),
        stream: `CONTRACT-${opened}`,
        subject: `contract.${opened}`,
      });
    },
  });
} else {
  test('jetstream: the contract of the event log', { skip: missing }, () => {});
}
