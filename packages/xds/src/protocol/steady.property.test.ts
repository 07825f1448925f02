import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { DeltaRequest } from './message.ts';
import type { ResourceSet } from './resources.ts';
import { stepServer } from './server.ts';
import { initialServerState, type ServerState } from './server-state.ts';
import type { ServerInput, ServerOutput } from './server-step.ts';
import { newTypeState } from './type-state.ts';

const TYPES = ['agentgateway.dev.resource.Resource', 'istio.workload.Address'].map(
  (name) => `type.googleapis.com/${name}`,
);

const typeUrl = fc.constantFrom(...TYPES);
const names = fc.subarray(['*', 'a', 'b']);
const versions = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3'), {
  noNullPrototype: true,
});
/** What there is at first, and what the client says that it holds of it. */
const start = fc.record({ typeCount: fc.constantFrom(1, 2), versions, held: versions });
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      versions,
      types: fc.subarray(TYPES, { minLength: 1 }),
      onDemand: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ack' as const), typeUrl, late: fc.nat(20) }) },
  fc.record({ kind: fc.constant('nack' as const), typeUrl }),
  fc.record({ kind: fc.constant('subscribe' as const), typeUrl, subscribe: names, unsubscribe: names }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 40_000) }),
);

test('the short way of a push and of an ACK comes to what the long way comes to', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 40 }), start, (actions, { typeCount, ...first }) => {
      const short = machine([]);
      // A type that is not steady, of which nothing is ever said, sends the whole stream the long way.
      const long = machine([newTypeState('other')]);
      const worlds = new Map<string, ResourceSet>();
      const nonces = new Map<string, string[]>();
      let now = 0;
      const feed = (input: ServerInput): void => {
        const outputs = short.feed(input);
        assert.deepEqual(outputs, long.feed(input));
        assert.deepEqual(short.types(), long.types());
        for (const output of outputs)
          if (output.kind === 'respond') nonces.get(output.response.typeUrl)?.unshift(output.response.nonce);
      };
      const ask = (of: string, rest: Partial<DeltaRequest>): void =>
        feed({ kind: 'request', request: { ...EMPTY, typeUrl: of, ...rest }, resources: worlds.get(of), now });
      for (const of of TYPES.slice(0, typeCount)) {
        worlds.set(of, setOf(first.versions, false));
        nonces.set(of, []);
        ask(of, { initialVersions: new Map(Object.entries(first.held)) });
      }
      for (const one of actions) {
        if (one.kind === 'wait') {
          now += one.ms;
          feed({ kind: 'time', now });
        } else if (one.kind === 'publish') {
          for (const of of one.types) worlds.set(of, setOf(one.versions, one.onDemand));
          feed({ kind: 'view', resources: worlds, now });
        } else if (nonces.has(one.typeUrl)) {
          const nonce = nonces.get(one.typeUrl) ?? [];
          if (one.kind === 'subscribe') {
            const { subscribe, unsubscribe } = one;
            ask(one.typeUrl, { subscribe, unsubscribe, nonce: nonce[0] ?? '' });
          } else if (one.kind === 'nack') ask(one.typeUrl, { nonce: nonce[0] ?? '', error: 'bad' });
          else ask(one.typeUrl, { nonce: nonce[one.late > 18 ? 1 : 0] ?? '' });
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test('what thousands of streams are sent of a type is one object', () => {
  const before = setOf({ a: '1' }, false);
  const after = setOf({ a: '2' }, false);
  const sent = [0, 0, 1, 1].map((index) => {
    const { feed } = machine([]);
    const request = { ...EMPTY, typeUrl: TYPES[index] ?? '' };
    feed({ kind: 'request', request, resources: before, now: 0 });
    feed({ kind: 'request', request: { ...request, nonce: '1' }, resources: before, now: 0 });
    const [pushed] = feed({ kind: 'view', resources: new Map([[request.typeUrl, after]]), now: 0 });
    assert(pushed?.kind === 'respond', 'a change is pushed');
    assert.equal(pushed.response.typeUrl, request.typeUrl);
    return pushed.response;
  });
  assert.equal(new Set(sent).size, 2);
  assert.equal(sent[0], sent[1]);
});

test('a client that comes again is sent the same object too, once it has said what it holds', () => {
  const before = setOf({ a: '1', b: '1' }, false);
  const after = setOf({ a: '2', b: '1' }, false);
  const typeUrl = TYPES[0] ?? '';
  const pushed = [{}, { a: '1', b: '1' }, { a: '0', b: '1', c: '1' }].map((held) => {
    const { feed } = machine([]);
    const request = { ...EMPTY, typeUrl };
    const initialVersions = new Map<string, string>(Object.entries(held));
    feed({ kind: 'request', request: { ...request, initialVersions }, resources: before, now: 0 });
    feed({ kind: 'request', request: { ...request, nonce: '1' }, resources: before, now: 0 });
    return feed({ kind: 'view', resources: new Map([[typeUrl, after]]), now: 0 }).map((output) =>
      output.kind === 'respond' ? output.response : output.kind,
    );
  });
  for (const [response, ...more] of pushed) {
    assert.equal(response, pushed[0]?.[0]);
    assert.deepEqual(more, []);
  }
});

test('a stream that stays does not keep what there was before', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const typeUrl = TYPES[0] ?? '';
  const { feed } = machine([]);
  const former: WeakRef<ResourceSet>[] = [];
  for (let version = 1; version <= 10; version += 1) {
    const resources = setOf({ a: String(version) }, false);
    former.push(new WeakRef(resources));
    if (version === 1) feed({ kind: 'request', request: { ...EMPTY, typeUrl }, resources, now: 0 });
    else feed({ kind: 'view', resources: new Map([[typeUrl, resources]]), now: 0 });
    feed({ kind: 'request', request: { ...EMPTY, typeUrl, nonce: String(version) }, resources, now: 0 });
  }
  await turn();
  collect();
  assert.equal(former.slice(0, -1).filter((set) => set.deref() !== undefined).length, 0);
  assert.notEqual(former.at(-1)?.deref(), undefined, 'what there is now is kept');
});

const EMPTY: DeltaRequest = {
  variant: 'delta',
  typeUrl: '',
  subscribe: [],
  unsubscribe: [],
  initialVersions: new Map(),
  nonce: '',
};

function machine(others: readonly ReturnType<typeof newTypeState>[]) {
  let state: ServerState = { ...initialServerState('delta'), types: others };
  return {
    feed: (input: ServerInput): readonly ServerOutput[] => {
      const step = stepServer(state, input);
      state = step.state;
      return step.outputs;
    },
    types: () =>
      state.types
        .filter(({ typeUrl: of }) => of !== 'other')
        .map((type) => ({ ...type, names: [...type.names], owed: [...type.owed], odd: [...type.odd] })),
  };
}

function setOf(versions: Readonly<Record<string, string>>, onDemand: boolean): ResourceSet {
  const entries = Object.entries(versions).map(([name, version]) => ({
    name,
    version,
    body: Buffer.from(version),
    ...(onDemand && name === 'a' && { onDemand: true as const }),
  }));
  return new Map(entries.map((resource) => [resource.name, resource]));
}
