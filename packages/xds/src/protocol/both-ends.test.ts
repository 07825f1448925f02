import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeltaClientState, initialDeltaClientState, stepDeltaClient } from './client.ts';
import type { DeltaRequest, DiscoveryResponse } from './message.ts';
import type { ResourceSet } from './resources.ts';
import { stepServer } from './server.ts';
import { initialServerState, type ServerState } from './server-state.ts';

const TYPE = 'type.googleapis.com/agentgateway.dev.resource.Resource';

/** A version that starts with `!` is one that the client rejects. */
const world = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3', '!4'));
const action = fc.oneof(
  world.map((versions) => ({ kind: 'publish', versions }) as const),
  fc.constant({ kind: 'deliver' } as const),
  fc.constant({ kind: 'reconnect' } as const),
);

/** Both machines with queues between them, and the client's tables as it applies them. */
class Connection {
  server: ServerState = initialServerState('delta');
  client: DeltaClientState = initialDeltaClientState(TYPE);
  resources: ResourceSet = new Map();
  readonly tables = new Map<string, string>();
  readonly toClient: DiscoveryResponse[] = [];
  readonly toServer: DeltaRequest[] = [];
  readonly rejectedOnStream = new Set<string>();

  connect(): void {
    this.toClient.length = 0;
    this.toServer.length = 0;
    this.rejectedOnStream.clear();
    this.server = initialServerState('delta');
    const step = stepDeltaClient(this.client, { kind: 'connected' });
    this.client = step.state;
    this.toServer.push(step.request);
  }

  publish(versions: Record<string, string>): void {
    this.resources = new Map(
      Object.entries(versions).map(([name, version]) => [name, { name, version, body: new Uint8Array() }]),
    );
    this.#feed({ kind: 'view', resources: new Map([[TYPE, this.resources]]), now: 0 });
  }

  deliver(): boolean {
    const request = this.toServer.shift();
    if (request !== undefined) {
      this.#feed({ kind: 'request', request, resources: this.resources, now: 0 });
      return true;
    }
    const response = this.toClient.shift();
    if (response === undefined) return false;
    const rejections = response.resources
      .filter(({ version }) => version.startsWith('!'))
      .map(({ name }) => ({ name, error: 'bad' }));
    for (const { name, version } of response.resources) {
      assert(!this.rejectedOnStream.has(`${name}@${version}`), `${name}@${version} was sent again after its NACK`);
      if (version.startsWith('!')) this.rejectedOnStream.add(`${name}@${version}`);
      else {
        this.tables.set(name, version);
        for (const old of this.rejectedOnStream) if (old.startsWith(`${name}@`)) this.rejectedOnStream.delete(old);
      }
    }
    for (const name of response.removed) {
      this.tables.delete(name);
      for (const old of this.rejectedOnStream) if (old.startsWith(`${name}@`)) this.rejectedOnStream.delete(old);
    }
    const step = stepDeltaClient(this.client, { kind: 'taken', response, rejections });
    this.client = step.state;
    this.toServer.push(step.request);
    return true;
  }

  #feed(input: Parameters<typeof stepServer>[1]): void {
    const step = stepServer(this.server, input);
    this.server = step.state;
    for (const output of step.outputs) if (output.kind === 'respond') this.toClient.push(output.response);
    assert(this.toClient.length <= 1, 'more than one response in flight');
  }
}

test('whatever is published, lost and reconnected, the client ends with what the server has, but for what it rejects', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const connection = new Connection();
      connection.connect();
      for (const step of actions) {
        if (step.kind === 'publish') connection.publish(step.versions);
        else if (step.kind === 'deliver') connection.deliver();
        else connection.connect();
      }
      let messages = 0;
      while (connection.deliver()) {
        messages += 1;
        assert(messages < 20, 'the two ends do not come to rest');
      }
      for (const [name, { version }] of connection.resources) {
        if (!version.startsWith('!')) assert.equal(connection.tables.get(name), version);
      }
      for (const name of connection.tables.keys()) assert(connection.resources.has(name), `${name} leaked`);
    }),
    { numRuns: 2000 },
  );
});
