import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialSotwClientState, stepSotwClient } from './client.ts';
import type { DiscoveryResponse, Variant } from './message.ts';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL } from './resource-types.ts';
import type { ResourceSet } from './resources.ts';
import { stepServer } from './server.ts';
import { initialServerState } from './server-state.ts';
import type { ServerInput, ServerOutput } from './server-step.ts';

const SHORT = new Map<string, string>([
  [CLUSTER_TYPE_URL, 'CDS'],
  [ENDPOINT_TYPE_URL, 'EDS'],
  [LISTENER_TYPE_URL, 'LDS'],
  [ROUTE_TYPE_URL, 'RDS'],
]);

type World = Readonly<Record<string, Readonly<Record<string, string>>>>;

function setOf(versions: Readonly<Record<string, string>> = {}): ResourceSet {
  return new Map(
    Object.entries(versions).map(([name, version]) => [name, { name, version, body: Buffer.from(version) }]),
  );
}

/** A delta stream that subscribes to four types, and answers each response when the test says so. */
function streaming(first: World) {
  let state = initialServerState('delta');
  let world = new Map([...SHORT].map(([typeUrl, short]) => [typeUrl, setOf(first[short])]));
  const unanswered = new Map<string, DiscoveryResponse>();
  let now = 0;
  const feed = (input: ServerInput): readonly string[] => {
    const step = stepServer(state, input);
    state = step.state;
    return step.outputs.flatMap((output) => describe(output, unanswered));
  };
  const request = (short: string, subscribe: readonly string[], nonce: string, error?: string): readonly string[] => {
    const typeUrl = [...SHORT].find(([, name]) => name === short)?.[0] ?? '';
    const rest = { typeUrl, subscribe, unsubscribe: [], initialVersions: new Map(), nonce };
    const asked = { variant: 'delta' as const, ...rest, ...(error !== undefined && { error }) };
    return feed({ kind: 'request', request: asked, resources: world.get(typeUrl), now });
  };
  return {
    subscribe: (short: string, ...names: readonly string[]) => request(short, names, ''),
    answer: (short: string, error?: string) => {
      const response = unanswered.get(short);
      assert(response !== undefined, `no ${short} response waits for an answer`);
      unanswered.delete(short);
      return request(short, [], response.nonce, error);
    },
    publish: (next: World) => {
      world = new Map([...SHORT].map(([typeUrl, short]) => [typeUrl, setOf(next[short])]));
      return feed({ kind: 'view', resources: world, now });
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
      return feed({ kind: 'time', now });
    },
  };
}

function describe(output: ServerOutput, unanswered: Map<string, DiscoveryResponse>): readonly string[] {
  if (output.kind !== 'respond') return [];
  const short = SHORT.get(output.response.typeUrl) ?? '';
  unanswered.set(short, output.response);
  const { resources, removed } = output.response;
  return [
    [short, ...resources.map(({ name, version }) => `${name}@${version}`), ...removed.map((name) => `-${name}`)].join(
      ' ',
    ),
  ];
}

/** A stream at rest: route r leads to cluster x. */
function atRest() {
  const first = { CDS: { x: '1' }, EDS: { x: '1' }, LDS: { l: '1' }, RDS: { r: 'to-x' } };
  const stream = streaming(first);
  assert.deepEqual(stream.subscribe('CDS'), ['CDS x@1']);
  assert.deepEqual(stream.subscribe('EDS', 'x'), ['EDS x@1']);
  stream.answer('CDS');
  assert.deepEqual(stream.subscribe('LDS'), ['LDS l@1']);
  stream.answer('EDS');
  assert.deepEqual(stream.subscribe('RDS', 'r'), []);
  assert.deepEqual(stream.answer('LDS'), ['RDS r@to-x']);
  stream.answer('RDS');
  return { stream, first };
}

const MOVED = { CDS: { y: '1' }, EDS: { y: '1' }, LDS: { l: '1' }, RDS: { r: 'to-y' } };

test('C49: what is pointed at comes first, and goes last', () => {
  const { stream } = atRest();
  assert.deepEqual(stream.publish(MOVED), ['CDS y@1']);
  assert.deepEqual(stream.subscribe('EDS', 'y'), ['EDS y@1']);
  assert.deepEqual(stream.answer('CDS'), ['RDS r@to-y']);
  assert.deepEqual(stream.answer('EDS'), []);
  assert.deepEqual(stream.answer('RDS'), ['CDS -x']);
  assert.deepEqual(stream.answer('CDS'), ['EDS -x']);
});

test('C49: who refuses the new route keeps the old cluster, until a route is accepted', () => {
  const { stream } = atRest();
  stream.publish(MOVED);
  stream.subscribe('EDS', 'y');
  stream.answer('CDS');
  stream.answer('EDS');
  assert.deepEqual(stream.answer('RDS', 'no'), []);
  assert.deepEqual(stream.pass(1_000_000), []);
  assert.deepEqual(stream.publish({ ...MOVED, RDS: { r: 'to-y-again' } }), ['RDS r@to-y-again']);
  assert.deepEqual(stream.answer('RDS'), ['CDS -x']);
});

test('C49: who does not answer is waited for, but not for ever', () => {
  const { stream } = atRest();
  stream.publish(MOVED);
  stream.subscribe('EDS', 'y');
  stream.answer('CDS');
  stream.answer('EDS');
  assert.deepEqual(stream.pass(59_999), []);
  assert.deepEqual(stream.pass(1), ['CDS -x', 'EDS -x']);
});

test('C50, C52: a changed cluster gets its endpoints again, before it is acknowledged', () => {
  const { stream, first } = atRest();
  assert.deepEqual(stream.publish({ ...first, CDS: { x: '2' } }), ['CDS x@2', 'EDS x@1']);
});

test('C18: an answer that never comes does not hold newer content back for ever', () => {
  const { stream, first } = atRest();
  stream.publish({ ...first, LDS: { l: '2' } });
  assert.deepEqual(stream.pass(30_000), []);
  assert.deepEqual(stream.publish({ ...first, LDS: { l: '3' } }), ['LDS l@3']);
});

test('state of the world: everything at once, nothing twice, and what is rejected stays as it was', () => {
  const variant: Variant = 'sotw';
  let server = initialServerState(variant);
  let client = initialSotwClientState(CLUSTER_TYPE_URL);
  let resources = setOf({ a: '1', b: '1' });
  let seen: readonly string[] = [];
  const feed = (input: ServerInput): void => {
    const step = stepServer(server, input);
    server = step.state;
    for (const output of step.outputs) {
      if (output.kind !== 'respond') continue;
      seen = output.response.resources.map(({ name, version }) => `${name}@${version}`);
      const bad = output.response.resources.filter(({ version }) => version === 'bad');
      const rejections = bad.map(({ name }) => ({ name, error: 'no' }));
      const taken = stepSotwClient(client, { kind: 'taken', response: output.response, rejections });
      client = taken.state;
      feed({ kind: 'request', request: taken.request, resources, now: 0 });
    }
  };
  const publish = (versions: Readonly<Record<string, string>>): readonly string[] => {
    seen = [];
    resources = setOf(versions);
    feed({ kind: 'view', resources: new Map([[CLUSTER_TYPE_URL, resources]]), now: 0 });
    return seen;
  };
  feed({ kind: 'request', request: stepSotwClient(client, { kind: 'connected' }).request, resources, now: 0 });
  assert.deepEqual(seen, ['a@1', 'b@1']);
  assert.deepEqual(publish({ a: '1', b: '1' }), []);
  assert.deepEqual(publish({ a: '2', b: 'bad' }), ['a@2', 'b@bad']);
  assert.deepEqual(publish({ a: '2', b: 'bad' }), []);
  assert.deepEqual(publish({ a: '3', b: 'bad' }), ['a@3', 'b@1']);
  assert.deepEqual(publish({ a: '3', b: '3' }), ['a@3', 'b@3']);
  assert.deepEqual(publish({ b: '3' }), ['b@3']);
});
