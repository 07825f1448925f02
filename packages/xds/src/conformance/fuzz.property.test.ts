import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { aggregatedService, DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '@pulseplane/wire';
import fc from 'fast-check';
import type { DiscoveryRequest, Variant } from '../protocol/message.ts';
import { stepServer } from '../protocol/server.ts';
import { initialServerState } from '../protocol/server-state.ts';
import type { ServerInput } from '../protocol/server-step.ts';
import { RawStream } from '../testing/raw-stream.ts';
import { ROLE, resourcesOf, serveWorld, TYPES } from '../testing/served-world.ts';

const name = fc.constantFrom('a', 'b', 'c', '*', '', 'z', '__proto__', 'constructor', 'x'.repeat(300));
const names = fc.array(name, { maxLength: 6 });
const typeUrl = fc.constantFrom(...Object.values(TYPES), '', 'no/type');
const nonce = fc.constantFrom('', '1', '2', '3', '4', '5', 'NaN', '-1', '1e309');
const error = fc.option(
  fc.constantFrom('', 'no', '[{"key":"a","error":"e"}]', '[]', '[1]', 'Error adding/updating cluster(s) a: x, b: y'),
  { nil: undefined },
);
const version = fc.constantFrom('', '1', '2', 'old');
const request: fc.Arbitrary<DiscoveryRequest> = fc
  .record({ typeUrl, names, unsubscribe: names, held: fc.dictionary(name, version), version, nonce, error })
  .chain(({ typeUrl: type, error: text, held, ...rest }) => {
    const common = { typeUrl: type, nonce: rest.nonce, ...(text !== undefined && { error: text }) };
    return fc.constantFrom<DiscoveryRequest>(
      { variant: 'sotw', names: rest.names, version: rest.version, ...common },
      {
        variant: 'delta',
        subscribe: rest.names,
        unsubscribe: rest.unsubscribe,
        initialVersions: new Map(Object.entries(held)),
        ...common,
      },
    );
  });

test('whatever a client asks, in whatever order, the machine does not throw, and sends of its own view only', () => {
  const worlds = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c?'), fc.constantFrom('1', '2', '3')), {
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), worlds, fc.boolean(), (requests, views, sotw) => {
      const variant: Variant = sotw ? 'sotw' : 'delta';
      let state = initialServerState(variant);
      let inFlight = 0;
      let now = 0;
      const feed = (input: ServerInput, view: ReturnType<typeof resourcesOf>): void => {
        const step = stepServer(state, input);
        state = step.state;
        for (const output of step.outputs) {
          if (output.kind !== 'respond') continue;
          for (const resource of output.response.resources) {
            const known = [view, ...views.map(resourcesOf)].some(
              (set) => set.get(resource.name)?.version === resource.version,
            );
            assert(known, `${resource.name}@${resource.version} is from nowhere`);
          }
          const all = [...output.response.resources.map((one) => one.name), ...output.response.removed];
          assert.equal(new Set(all).size, all.length);
          inFlight += 1;
        }
      };
      for (const [index, asked] of requests.entries()) {
        if (asked.variant !== variant) continue;
        const view = resourcesOf(views[index % views.length] ?? {});
        feed({ kind: 'request', request: asked, resources: view, now }, view);
        feed({ kind: 'view', resources: new Map(Object.values(TYPES).map((type) => [type, view])), now }, view);
        now += 20_000;
        feed({ kind: 'time', now }, view);
      }
      assert(inFlight <= requests.length * (Object.keys(TYPES).length + 2) * 3, 'responses are bounded');
    }),
    { numRuns: 3_000 },
  );
});

test('mutated requests on the wire end their own stream at most, and never bring what another gateway has', async (context) => {
  const server = await serveWorld(context);
  const SECRET = 'secret-of-another-gateway';
  server.publish({ CDS: { a: '1' }, EDS: { a: '1' }, GATEWAY: { a: '1' } });
  server.publish({ CDS: { [SECRET]: '1' }, EDS: { [SECRET]: '1' }, GATEWAY: { [SECRET]: '1' } }, 'ns~other');
  const bystander = new RawStream(context, server.port, 'delta', { node: 'bystander' });
  bystander.ask('CDS');
  assert.equal(await bystander.next(), 'CDS a@1');
  bystander.ack('CDS');
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  context.after(() => client.close());
  const node = { id: 'fuzz', metadata: { role: ROLE } };
  const valid: Readonly<Record<Variant, Uint8Array>> = {
    delta: toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, {
        node,
        typeUrl: TYPES['CDS'] ?? '',
        resourceNamesSubscribe: ['*', SECRET],
        initialResourceVersions: { a: '0', [SECRET]: '1' },
      }),
    ),
    sotw: toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, {
        node,
        typeUrl: TYPES['CDS'] ?? '',
        resourceNames: ['*', SECRET],
        versionInfo: 'v',
      }),
    ),
  };
  const mutation = fc.record({ at: fc.nat(400), byte: fc.nat(255), cut: fc.boolean() });
  const send = (variant: Variant, bytes: Buffer): Promise<Buffer> =>
    new Promise((resolve) => {
      const method = variant === 'delta' ? aggregatedService.delta.method : aggregatedService.sotw?.method;
      const asIs = (raw: Buffer): Buffer => raw;
      const stream = client.makeBidiStreamRequest(method?.path ?? '', asIs, asIs);
      const seen: Buffer[] = [];
      const done = (): void => {
        clearTimeout(timer);
        stream.cancel();
        resolve(Buffer.concat(seen));
      };
      const timer = setTimeout(done, 30);
      stream.on('data', (raw: Buffer) => seen.push(raw));
      stream.on('error', done);
      stream.write(bytes);
    });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), async (mutations, sotw) => {
      const variant: Variant = sotw ? 'sotw' : 'delta';
      let bytes = Buffer.from(valid[variant]);
      for (const { at, byte, cut } of mutations) {
        if (cut) bytes = bytes.subarray(0, at);
        else if (bytes.length > 0) bytes.writeUInt8(byte, at % bytes.length);
      }
      const answer = await send(variant, bytes);
      // The name of what does not exist may come back, its content must not.
      assert(!answer.includes(`${SECRET}@1`), 'another gateway’s resource was sent');
    }),
    { numRuns: 200 },
  );
  server.publish({ CDS: { a: '2' } });
  assert.equal(await bystander.next(), 'CDS a@2', 'others live on');
});
