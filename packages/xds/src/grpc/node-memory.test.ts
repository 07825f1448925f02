import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepServer } from '../protocol/server.ts';
import { initialServerState } from '../protocol/server-state.ts';
import { resourcesOf } from '../testing/served-world.ts';
import { NodeMemory, type OpenStream } from './node-memory.ts';

const TYPE = 'type.googleapis.com/agentgateway.dev.resource.Resource';

/** A stream that was sent `b` and has rejected it. */
function rejecting(peer: string, role = 'ns~gw'): OpenStream {
  let state = initialServerState('delta');
  for (const answer of [{ nonce: '' }, { nonce: '1', error: '[{"key":"b","error":"no"}]' }]) {
    const common = {
      variant: 'delta',
      typeUrl: TYPE,
      subscribe: [],
      unsubscribe: [],
      initialVersions: new Map(),
    } as const;
    const request = { ...common, ...answer };
    state = stepServer(state, { kind: 'request', request, resources: resourcesOf({ b: '1' }), now: 0 }).state;
  }
  const types = new Map(state.types.map((type) => [type.typeUrl, type]));
  return { node: { id: 'shared', role }, peer, types: () => types };
}

test('a stream that is open still counts for its own node, role and address; one that has ended for all addresses', () => {
  const memory = new NodeMemory();
  const first = rejecting('10.0.0.1:4000');
  const fromSame: OpenStream = { ...first, peer: '10.0.0.1:4001', types: () => new Map() };
  const replica: OpenStream = { ...fromSame, peer: '10.0.0.2:4000' };
  const other: OpenStream = { ...fromSame, node: { ...fromSame.node, role: 'ns~other' } };
  for (const stream of [first, fromSame, replica, other]) memory.opened(stream);
  const recalled = (stream: OpenStream): unknown => memory.recall(stream, TYPE)?.get('b')?.rejected;
  assert.equal(recalled(first), undefined, 'of itself a stream knows already');
  assert.equal(recalled(fromSame), '1');
  assert.equal(recalled(replica), undefined);
  assert.equal(recalled(other), undefined);
  memory.closed(first);
  assert.deepEqual([fromSame, replica, other].map(recalled), ['1', '1', undefined]);
});
