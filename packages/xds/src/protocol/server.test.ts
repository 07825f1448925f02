import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaRequest } from './message.ts';
import type { ResourceSet } from './resources.ts';
import { stepServer } from './server.ts';
import { initialServerState } from './server-state.ts';
import type { ServerInput, ServerOutput } from './server-step.ts';

const TYPE = 'type.googleapis.com/agentgateway.dev.resource.Resource';

function set(versions: Record<string, string>): ResourceSet {
  return new Map(
    Object.entries(versions).map(([name, version]) => [
      name,
      { name, version, body: new TextEncoder().encode(version) },
    ]),
  );
}

/** A server under test, with the world that it serves from. */
function serving(versions: Record<string, string>) {
  let state = initialServerState('delta');
  let resources: ResourceSet | undefined = set(versions);
  const feed = (input: ServerInput): readonly ServerOutput[] => {
    const step = stepServer(state, input);
    state = step.state;
    return step.outputs;
  };
  return {
    request: (request: Partial<DeltaRequest>): readonly ServerOutput[] =>
      feed({
        kind: 'request',
        request: {
          variant: 'delta',
          typeUrl: TYPE,
          subscribe: [],
          unsubscribe: [],
          initialVersions: new Map(),
          nonce: '',
          ...request,
        },
        resources,
        now: 0,
      }),
    publish: (next: Record<string, string>): readonly ServerOutput[] => {
      const published = set(next);
      resources = published;
      return feed({ kind: 'view', resources: new Map([[TYPE, published]]), now: 0 });
    },
    /** Until it publishes again, nobody can say what there is. */
    fail: (): void => {
      resources = undefined;
    },
  };
}

/** The responses among outputs, in short: nonce, names@versions, removed names. */
function responses(outputs: readonly ServerOutput[]) {
  return outputs.flatMap((output) =>
    output.kind === 'respond'
      ? [
          [
            output.response.nonce,
            output.response.resources.map(({ name, version }) => `${name}@${version}`).sort(),
            [...output.response.removed].sort(),
          ],
        ]
      : [],
  );
}

test('C1: a request without a type closes the stream', () => {
  assert.deepEqual(serving({}).request({ typeUrl: '' }), [
    { kind: 'close', rule: 'bad-request', reason: 'type URL is required for ADS' },
  ]);
});

test('C57: a stream cannot make the server remember without end', () => {
  const server = serving({});
  const names = Array.from({ length: 50_001 }, (_, index) => `n${index}`);
  assert.deepEqual(
    server.request({ subscribe: names }).map((output) => output.kind === 'close' && output.rule),
    ['limit'],
  );
  for (let type = 0; type < 32; type += 1)
    assert.equal(server.request({ typeUrl: `type-${type}`, subscribe: ['x'] })[0]?.kind, 'respond');
  assert.deepEqual(
    server.request({ typeUrl: 'one-more' }).map((output) => output.kind === 'close' && output.reason),
    ['more than 32 types on one stream'],
  );
});

test('C57: a type URL is bounded', () => {
  assert.deepEqual(serving({}).request({ typeUrl: 't'.repeat(4_097) }), [
    { kind: 'close', rule: 'limit', reason: 'a type URL of more than 4096 characters' },
  ]);
});

test('C7: nothing is sent before the type is asked for', () => {
  assert.deepEqual(serving({}).publish({ a: '1' }), []);
});

test('C23: a reconnecting client gets what differs and hears what is gone', () => {
  const server = serving({ a: '1', b: '2' });
  const outputs = server.request({
    initialVersions: new Map([
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    ]),
  });
  assert.deepEqual(responses(outputs), [['1', ['b@2'], ['c']]]);
});

test('C25: an empty first request means everything; names later do not end that', () => {
  const server = serving({ a: '1', b: '1' });
  assert.deepEqual(responses(server.request({})), [['1', ['a@1', 'b@1'], []]]);
  assert.deepEqual(responses(server.request({ nonce: '1', subscribe: ['a'] })), [['2', ['a@1'], []]]);
  server.request({ nonce: '2' });
  assert.deepEqual(responses(server.request({ unsubscribe: ['*'] })), []);
  assert.deepEqual(responses(server.publish({ a: '2', b: '2' })), [['3', ['a@2'], []]]);
});

test('C26: the first wildcard request is answered even when there is nothing', () => {
  assert.deepEqual(responses(serving({}).request({})), [['1', [], []]]);
});

test('while nobody can say what there is, nothing is sent and nothing taken back; answers count all the same', () => {
  const server = serving({ a: '1', b: '1' });
  server.request({});
  server.fail();
  assert.deepEqual(
    server.request({ nonce: '1' }).map(({ kind }) => kind),
    ['acked'],
  );
  assert.deepEqual(responses(server.publish({ a: '2', b: '1' })), [['2', ['a@2'], []]]);

  const reconnecting = serving({});
  reconnecting.fail();
  const held = new Map(Object.entries({ a: '1', b: '1', c: '1' }));
  assert.deepEqual(reconnecting.request({ initialVersions: held }), []);
  assert.deepEqual(reconnecting.request({ subscribe: ['*', 'd'] }), []);
  assert.deepEqual(responses(reconnecting.publish({ a: '1', b: '2' })), [['1', ['a@1', 'b@2'], ['c', 'd']]]);

  const named = serving({});
  named.fail();
  assert.deepEqual(named.request({ subscribe: ['a', 'b'], initialVersions: held }), []);
  assert.deepEqual(responses(named.publish({ a: '1' })), [['1', ['a@1'], ['b', 'c']]]);
});

test('C28: unsubscribing a name under a wildcard is answered with where it stands', () => {
  const server = serving({ a: '1' });
  server.request({ subscribe: ['*', 'a', 'b'] });
  assert.deepEqual(responses(server.request({ nonce: '1', unsubscribe: ['a', 'b'] })), [['2', ['a@1'], ['b']]]);
});

test('C31, C33: a name that does not exist is reported removed, and comes when it appears', () => {
  const server = serving({ a: '1' });
  assert.deepEqual(responses(server.request({ subscribe: ['a', 'z'] })), [['1', ['a@1'], ['z']]]);
  server.request({ nonce: '1' });
  assert.deepEqual(responses(server.publish({ a: '1', z: '1' })), [['2', ['z@1'], []]]);
});

test('C34: an ACK and an unchanged world are answered with silence', () => {
  const server = serving({ a: '1' });
  server.request({});
  assert.deepEqual(responses(server.request({ nonce: '1' })), []);
  assert.deepEqual(responses(server.publish({ a: '1' })), []);
});

test('C35, C36: subscribing again sends again; unsubscribing does not answer', () => {
  const server = serving({ a: '1' });
  server.request({ subscribe: ['a'] });
  server.request({ nonce: '1' });
  assert.deepEqual(responses(server.request({ subscribe: ['a'] })), [['2', ['a@1'], []]]);
  server.request({ nonce: '2' });
  assert.deepEqual(responses(server.request({ unsubscribe: ['a', 'never'] })), []);
  assert.deepEqual(responses(server.publish({ a: '2' })), []);
});

test('C37: a subscription on a stale nonce counts, its ACK does not', () => {
  const server = serving({ a: '1', x: '1' });
  server.request({ subscribe: ['a'] });
  assert.deepEqual(server.request({ nonce: 'stale', subscribe: ['x'] }), []);
  const outputs = server.request({ nonce: '1' });
  assert.deepEqual(outputs[0]?.kind, 'acked');
  assert.deepEqual(responses(outputs), [['2', ['x@1'], []]]);
});

test('C43: a removal is sent to those who hold the resource', () => {
  const server = serving({ a: '1', b: '1' });
  server.request({});
  server.request({ nonce: '1' });
  assert.deepEqual(responses(server.publish({ a: '1' })), [['2', [], ['b']]]);
  server.request({ nonce: '2' });
  assert.deepEqual(responses(server.publish({ a: '1' })), []);
});

test('C53: one response is in flight; what changes meanwhile collapses into one', () => {
  const server = serving({ a: '1' });
  server.request({});
  assert.deepEqual(responses(server.publish({ a: '2' })), []);
  assert.deepEqual(responses(server.publish({ a: '3', gone: '1' })), []);
  assert.deepEqual(responses(server.publish({ a: '3' })), []);
  assert.deepEqual(responses(server.request({ nonce: '1' })), [['2', ['a@3'], []]]);
});

test('C12: a NACK that names the bad resource confirms the others, and the bad one waits for a new version', () => {
  const server = serving({ good: '1', bad: '1' });
  server.request({});
  const error = JSON.stringify([{ key: 'bad', error: 'no' }]);
  const outputs = server.request({ nonce: '1', error });
  assert.deepEqual(
    outputs.map((output) => output.kind),
    ['nacked'],
  );
  assert.deepEqual(responses(server.publish({ good: '1', bad: '1' })), []);
  assert.deepEqual(responses(server.publish({ good: '2', bad: '1' })), [['2', ['good@2'], []]]);
  server.request({ nonce: '2' });
  assert.deepEqual(responses(server.publish({ good: '2', bad: '2' })), [['3', ['bad@2'], []]]);
});

test('C14: a list of rejections is read to its end, and kept bounded', () => {
  const names = Array.from({ length: 60 }, (_, index) => `resource-${index}`);
  const server = serving({ good: '1', ...Object.fromEntries(names.map((name) => [name, '1'])) });
  server.request({});
  const error = JSON.stringify(names.map((key) => ({ key, error: `no ${'x'.repeat(1_000)}` })));
  const [output] = server.request({ nonce: '1', error });
  assert(output?.kind === 'nacked');
  assert.deepEqual(
    output.rejections?.map(({ name }) => name),
    names,
  );
  assert(output.message.length < 4_200);
  assert(output.rejections.every(({ error: kept }) => kept.length < 300));
  const next = Object.fromEntries(names.map((name) => [name, '2']));
  const [[, sent] = []] = responses(server.publish({ good: '1', ...next }));
  assert.equal(sent?.length, 60, 'the good one is held');
});

test('C14: a client can refuse only what it was sent', () => {
  const listing = (...keys: readonly string[]) => JSON.stringify(keys.map((key) => ({ key, error: 'no' })));
  const server = serving({ a: '1', b: '1' });
  server.request({});
  const [some] = server.request({ nonce: '1', error: listing('b', 'of-another-gateway') });
  assert(some?.kind === 'nacked');
  assert.deepEqual(some.rejections, [{ name: 'b', error: 'no' }]);
  server.publish({ a: '2', b: '1' });
  const [none] = server.request({ nonce: '2', error: listing('of-another-gateway') });
  assert(none?.kind === 'nacked');
  assert.equal(none.rejections, undefined, 'which one is bad was not said');
  assert.deepEqual(responses(server.publish({ a: '1', b: '1' })), [['3', ['a@1'], []]]);
});

test('C14: a NACK in free text leaves nothing confirmed: a way back to the old version is sent', () => {
  const server = serving({ a: '1' });
  server.request({});
  server.request({ nonce: '1' });
  server.publish({ a: '2' });
  assert.deepEqual(responses(server.request({ nonce: '2', error: 'a: bad' })), []);
  assert.deepEqual(responses(server.publish({ a: '1' })), [['3', ['a@1'], []]]);
});

test('a rejected resource that is deleted is removed at the client, which may hold part of it', () => {
  const server = serving({ a: '1' });
  server.request({});
  server.request({ nonce: '1', error: 'a: bad' });
  assert.deepEqual(responses(server.publish({})), [['2', [], ['a']]]);
});
