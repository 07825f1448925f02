import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BackendPath, effectiveBackend, indexBackendPolicies } from './effective-backend.ts';
import type { BackendPolicy, BackendTarget, PolicyOnBackend } from './resource.ts';

const GATEWAY = { namespace: 'ns', name: 'gw' };
const ROUTE = { kind: 'HTTPRoute', namespace: 'ns', name: 'web' };
const BACKEND = { kind: 'backend', key: 'ns/up', namespace: 'ns', name: 'up', host: 'h', port: 1 } as const;

/** Where a section can be set, the most specific place first; undefined: in the backend itself. */
const LEVELS: readonly (readonly [name: string, target: BackendTarget | undefined])[] = [
  ['inline', undefined],
  ['rule', { route: { ...ROUTE, ruleName: 'first' } }],
  ['route', { route: ROUTE }],
  ['backend', { backend: { namespace: 'ns', name: 'up' } }],
  ['listener', { gateway: GATEWAY, listener: 'http' }],
  ['gateway', { gateway: GATEWAY }],
];

const SETTINGS: { readonly [Section in BackendPolicy['section']]: (place: number) => BackendPolicy } = {
  tcp: (place) => ({ section: 'tcp', connectTimeoutMs: place + 1 }),
  http: (place) => ({ section: 'http', requestTimeoutMs: place + 1 }),
};

describe('the more specific place wins', () => {
  for (const [section, settings] of Object.entries(SETTINGS)) {
    for (const [high, [winner]] of LEVELS.entries()) {
      for (const [low, [loser]] of LEVELS.entries()) {
        if (low <= high) continue;
        test(`${section}: ${winner} over ${loser}, in whatever order they come`, () => {
          for (const order of [
            [high, low],
            [low, high],
          ]) {
            const { tcp, http } = effective(order.map((place) => [place, settings(place)]));
            assert.equal(section === 'tcp' ? tcp.connectTimeoutMs : http.requestTimeoutMs, high + 1);
            const source = winner === 'inline' ? 'inline/ns/up' : winner;
            assert.equal((section === 'tcp' ? tcp : http).source, source);
            assert.equal((section === 'tcp' ? http : tcp).source, undefined);
          }
        });
      }
    }
  }
});

test('the winner replaces the other wholly, also with nothing; the sections do not touch each other', () => {
  const { tcp, http } = effective([
    [5, { section: 'tcp', connectTimeoutMs: 7, keepalive: { timeMs: 30_000, intervalMs: 5_000, retries: 3 } }],
    [2, { section: 'tcp' }],
    [4, { section: 'http', version: 'http2', requestTimeoutMs: 8 }],
    [3, { section: 'http', requestTimeoutMs: 9 }],
  ]);
  assert.deepEqual(tcp, {
    source: 'route',
    connectTimeoutMs: 10_000,
    idleSeconds: 180,
    intervalSeconds: 180,
    probes: 9,
  });
  assert.deepEqual(http, { source: 'backend', version: 'http1', requestTimeoutMs: 9 });
});

test('nothing is set by what targets something else', () => {
  const elsewhere: readonly BackendTarget[] = [
    { gateway: { ...GATEWAY, name: 'other' } },
    { gateway: GATEWAY, listener: 'other' },
    { route: { ...ROUTE, kind: 'TCPRoute' } },
    { route: { ...ROUTE, namespace: 'other' } },
    { route: { ...ROUTE, ruleName: 'second' } },
    { backend: { namespace: 'ns', name: 'other' } },
  ];
  const index = indexBackendPolicies(elsewhere.map((target, place) => policy(`${place}`, target, SETTINGS.tcp(place))));
  assert.equal(effectiveBackend(index, path([])).tcp.source, undefined);
});

test('of two for one target and section the first by key counts, in whatever order they come', () => {
  const two = ['b', 'a'].map((key, place) => policy(key, { gateway: GATEWAY }, SETTINGS.tcp(place)));
  for (const order of [two, two.toReversed()]) {
    assert.equal(effectiveBackend(indexBackendPolicies(order), path([])).tcp.source, 'a');
  }
});

function effective(set: readonly (readonly [place: number, settings: BackendPolicy])[]) {
  const policies = set.flatMap(([place, settings]) => {
    const [name, target] = LEVELS[place] ?? assert.fail();
    return target === undefined ? [] : [policy(name, target, settings)];
  });
  const inline = set.flatMap(([place, settings]) => (place === 0 ? [settings] : []));
  return effectiveBackend(indexBackendPolicies(policies), path(inline));
}

function path(inlinePolicies: readonly BackendPolicy[]): BackendPath {
  const route = { ...ROUTE, ruleName: 'first' };
  return { gateway: GATEWAY, listener: 'http', route, backend: { ...BACKEND, inlinePolicies } };
}

function policy(key: string, target: BackendTarget, backend: BackendPolicy): PolicyOnBackend {
  return { kind: 'policy', key, name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: key }, target, backend };
}
