import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type GatewayResource,
  hostnameMatches,
  hostnameRank,
  type Listener,
  type RouteCandidate,
  routesInPrecedence,
} from '@pulseplane/projection/gateway';
import fc from 'fast-check';
import { nameRoutes } from './server-names.ts';
import {
  BOTH,
  backend,
  backendPolicy,
  frontendPolicy,
  GATEWAY,
  httpRoute,
  listener,
  tlsListener,
  tlsRoute,
  WEB,
} from './testing/gateway.ts';
import { toEnvoy } from './translate.ts';
import { hostRoutes } from './virtual-hosts.ts';

const CLIENT = { listenAddress: '127.0.0.1', listenerKeepalive: 'field' } as const;

const seconds = fc.integer({ min: 1, max: 32_767 }).map((value) => value * 1_000);
const keepalive = fc.record({ timeMs: seconds, intervalMs: seconds, retries: fc.integer({ min: 1, max: 64 }) });
const frontendTarget = fc.constantFrom(
  { gateway: GATEWAY },
  ...[3000, 3001].map((port) => ({ gateway: GATEWAY, port })),
);
const backendTarget = fc.constantFrom(
  { gateway: GATEWAY },
  { gateway: GATEWAY, listener: 'http' },
  { route: WEB },
  { backend: { namespace: 'ns', name: 'up' } },
);

/** Something that may be added to the gateway, and the Listeners that it may have anything to do with. */
const addition: fc.Arbitrary<{ readonly resource: GatewayResource; readonly ports: readonly number[] }> = fc.oneof(
  fc.record({ keepalive, target: frontendTarget }).map(({ keepalive: values, target }) => ({
    resource: frontendPolicy({ section: 'tcp', keepalive: values }, target),
    ports: 'port' in target ? [target.port] : [3000, 3001],
  })),
  fc.record({ interval: seconds, target: frontendTarget }).map(({ interval, target }) => ({
    resource: frontendPolicy({ section: 'http', http: { http2KeepaliveIntervalMs: interval } }, target),
    ports: 'port' in target && target.port === 3001 ? [] : [3000],
  })),
  fc
    .record({ connectTimeoutMs: seconds, keepalive, target: backendTarget })
    .map(({ target, ...tcp }) => ({ resource: backendPolicy({ section: 'tcp', ...tcp }, target), ports: [] })),
  fc.record({ requestTimeoutMs: seconds, target: backendTarget }).map(({ requestTimeoutMs, target }) => ({
    resource: backendPolicy({ section: 'http', requestTimeoutMs, version: 'http2' }, target),
    ports: [],
  })),
  fc
    .record({ rule: fc.integer({ min: 1, max: 3 }), path: fc.constantFrom('/', '/a', '/a/b/') })
    .map(({ rule, path }) => ({
      resource: httpRoute({ key: `ns/web.0${rule}.http:ns/gw.http`, hostnames: [`${rule}.example`] }, path),
      ports: [],
    })),
  fc.constant({ resource: backend('other'), ports: [] }),
  fc.constant({ resource: backend('up', '127.0.0.2'), ports: [] }),
);

test('the order of the resources alters no byte, and no name stands twice', () => {
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 16 }), (additions, swaps) => {
      const resources = merged(additions.map(({ resource }) => resource));
      const shuffled = [...resources];
      for (const swap of swaps) shuffled.push(...shuffled.splice(swap % shuffled.length, 1));
      assert.deepEqual(bytes(shuffled), bytes(resources));
      assert.equal(bytes(resources).size, toEnvoy(GATEWAY, resources, CLIENT).resources.length);
    }),
  );
});

test('what is added alters no byte of a Listener that it has nothing to do with', () => {
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 8 }), addition, (additions, { resource, ports }) => {
      const before = merged(additions.map((it) => it.resource));
      const after = merged([...additions.map((it) => it.resource), resource]);
      for (const port of [3000, 3001].filter((one) => !ports.includes(one))) {
        const name = `type.googleapis.com/envoy.config.listener.v3.Listener ${port}/ns/gw`;
        assert.ok(bytes(after).has(name));
        assert.equal(bytes(after).get(name), bytes(before).get(name));
      }
    }),
  );
});

test('what is encoded once alters no byte, and what a change has nothing to do with is not encoded again', () => {
  fc.assert(
    fc.property(fc.array(addition, { minLength: 1, maxLength: 8 }), (additions) => {
      for (let count = 0; count <= additions.length; count += 1) {
        const resources = merged(additions.slice(0, count).map(({ resource }) => resource));
        assert.deepEqual(bytes(resources), bytes(structuredClone(resources)));
      }
    }),
  );
  const values = (resources: readonly GatewayResource[]) =>
    new Map(toEnvoy(GATEWAY, resources, CLIENT).resources.map(({ name, value }) => [name, value]));
  const web = httpRoute({ backends: ['up', 'other'].map((name) => ({ backendKey: `ns/${name}`, weight: 1 })) });
  const resources = merged([web, backend('other')]);
  const before = values(resources);
  const target = { backend: { namespace: 'ns', name: 'other' } };
  const after = values([...resources, backendPolicy({ section: 'tcp', connectTimeoutMs: 700 }, target)]);
  assert.equal(after.get('ns/up'), before.get('ns/up'));
  assert.notDeepEqual(after.get('ns/other'), before.get('ns/other'));
});

const hostname = fc.constantFrom('', '*.example', 'a.example', '*.b.example', 'c.b.example', 'Other.test');
const host = fc.constantFrom(
  'a.example',
  'x.example',
  'c.b.example',
  'd.b.example',
  'e.d.b.example',
  'other.test',
  'no',
);
const path = fc.constantFrom('/', '/a');

test('a request has the route that Gateway API gives it, whatever its host', () => {
  const arbitrary = fc.record({
    listeners: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
    routes: fc.array(fc.record({ on: fc.nat(), hostnames: fc.uniqueArray(hostname, { maxLength: 2 }), path }), {
      maxLength: 6,
    }),
    host,
    path,
  });
  fc.assert(
    fc.property(arbitrary, (given) => {
      const listeners = given.listeners.map((name, index) => asListener(listener('http', name, `l${index}`)));
      const routes = routesInPrecedence(
        given.routes.map((route, index) =>
          httpRoute(
            { key: `r${index}`, listenerKey: `l${route.on % listeners.length}`, hostnames: route.hostnames },
            route.path,
          ),
        ),
      );
      const routesOf = ({ key }: Listener): readonly RouteCandidate[] => routes.get(key) ?? [];
      const byGatewayApi = (): string | undefined => {
        const [on] = listeners
          .filter((one) => hostnameMatches(one.hostname.toLowerCase(), given.host))
          .sort((a, b) => hostnameRank(b.hostname) - hostnameRank(a.hostname));
        return (
          on && routesOf(on).find((it) => hostnameMatches(it.hostname, given.host) && takes(it, given.path))?.route.key
        );
      };
      const byEnvoy = (): string | undefined => {
        const [virtualHost] = hostRoutes(listeners, routesOf)
          .filter(({ domain }) => hostnameMatches(domain, given.host))
          .sort((a, b) => hostnameRank(b.domain) - hostnameRank(a.domain));
        return virtualHost?.candidates.find((it) => takes(it, given.path))?.route.key;
      };
      assert.equal(byEnvoy(), byGatewayApi());
    }),
    { numRuns: 1_000 },
  );
});

test('a server name leads where it leads with our own workers, and so does none', () => {
  const arbitrary = fc.record({
    listeners: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
    routes: fc.array(fc.record({ on: fc.nat(), hostnames: fc.uniqueArray(hostname, { maxLength: 2 }) }), {
      maxLength: 6,
    }),
    host: fc.oneof(host, fc.constant('')),
  });
  fc.assert(
    fc.property(arbitrary, (given) => {
      const listeners = given.listeners.map((name, index) => tlsListener(`l${index}`, name));
      const routes = given.routes.map(({ on, hostnames }, index) =>
        tlsRoute(`r${index}`, `l${on % listeners.length}`, hostnames),
      );
      const routesOf = ({ key }: Listener) => routes.filter(({ listenerKey }) => listenerKey === key);
      const rank = (pattern: string) =>
        hostnameMatches(pattern.toLowerCase(), given.host) ? hostnameRank(pattern) : Number.NEGATIVE_INFINITY;
      const best = <Item>(items: readonly Item[], rankOf: (item: Item) => number): Item | undefined =>
        items.filter((item) => rankOf(item) >= 0).sort((a, b) => rankOf(b) - rankOf(a))[0];
      const on = best(listeners, (one) => rank(one.hostname));
      const own =
        on && best(routesOf(on), ({ hostnames }) => (hostnames.length === 0 ? 0 : Math.max(...hostnames.map(rank))));
      const inEnvoy = best(nameRoutes(listeners, routesOf), ({ domain }) => rank(domain));
      assert.equal(inEnvoy?.route?.key, own?.key);
    }),
    { numRuns: 1_000 },
  );
});

function takes({ match }: RouteCandidate, requested: string): boolean {
  return match.path.value === '/' || match.path.value === requested;
}

function asListener(resource: GatewayResource): Listener {
  assert.equal(resource.kind, 'listener');
  return resource;
}

/** What comes later takes the place of what has its name. */
function merged(additions: readonly GatewayResource[]): readonly GatewayResource[] {
  return [...new Map([...BOTH, ...additions].map((it) => [`${it.kind}/${it.key}`, it])).values()];
}

function bytes(resources: readonly GatewayResource[]): ReadonlyMap<string, string> {
  return new Map(
    toEnvoy(GATEWAY, resources, CLIENT).resources.map(({ typeUrl, name, value }) => [
      `${typeUrl} ${name}`,
      Buffer.from(value).toString('hex'),
    ]),
  );
}
