import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Backend, type GatewayResource, type HttpRoute, resourceName } from '@pulseplane/projection/gateway';
import { routeHttp } from '../proxy/route.ts';
import { GATEWAY, httpPolicy, portResources, tcpPolicy } from '../testing/world.ts';
import { applyBatch } from './apply-batch.ts';
import { EMPTY_TABLES, frontendByPort, type Tables } from './tables.ts';

const BACKEND: Backend = {
  kind: 'backend',
  key: 'a/b',
  namespace: 'a',
  name: 'b',
  host: 'upstream',
  port: 80,
  inlinePolicies: [],
};

test('a bad resource rejects only itself, and its former version stays', () => {
  const first = applyBatch(EMPTY_TABLES, named(BACKEND));
  const second = applyBatch(first.tables, named({ ...BACKEND, port: 0 }, { ...BACKEND, key: 'a/c', name: 'c' }));
  assert.deepEqual(second.rejects, [{ name: 'backend/a/b', error: 'port 0 is not in 1..65535' }]);
  assert.deepEqual([...second.tables.backends.keys()], ['a/b', 'a/c']);
  assert.equal(second.tables.backends.get('a/b')?.port, 80);
});

test('values that the kernel, HTTP/2 or a regular expression would refuse are refused here', () => {
  const route = portResources('http', 80, 1)[3] as HttpRoute;
  const bad: readonly [GatewayResource, RegExp][] = [
    [tcpPolicy({ timeMs: 36_000_000 }), /timeMs 36000000 is not in 1s\.\.32767s/],
    [tcpPolicy({ intervalMs: 10 }), /intervalMs/],
    [tcpPolicy({ retries: 128 }), /retries 128 is not in 1\.\.127/],
    [httpPolicy({ http2FrameSize: 1 }), /http2FrameSize/],
    [httpPolicy({ http1IdleTimeoutMs: 0 }), /http1IdleTimeoutMs/],
    [{ ...route, matches: [{ path: { type: 'regex', value: '(' }, headers: [] }] }, /parsing regexp: missing/],
    [{ ...route, matches: [{ path: { type: 'regex', value: '/a)|(/b' }, headers: [] }] }, /parsing regexp: unexpected/],
    [{ ...route, matches: [{ path: { type: 'regex', value: '/a(?=b)' }, headers: [] }] }, /parsing regexp: .*\(\?=/],
    [{ ...route, backends: [{ backendKey: 'x', weight: -1 }] }, /weight -1/],
  ];
  for (const [resource, message] of bad) {
    const { rejects, tables } = applyBatch(EMPTY_TABLES, named(resource));
    assert.match(rejects[0]?.error ?? 'accepted', message);
    assert.equal(tables, EMPTY_TABLES);
  }
});

test('removal goes by name; what is unknown is ignored; nothing changed gives the same tables back', () => {
  const { tables } = applyBatch(EMPTY_TABLES, named(BACKEND));
  assert.equal(applyBatch(tables, { updated: [], removed: ['backend/none'] }).tables, tables);
  assert.equal(applyBatch(tables, { updated: [], removed: ['backend/a/b'] }).tables.backends.size, 0);
});

test('a key that another name holds is refused, unless that name goes in the same batch', () => {
  const { tables } = applyBatch(EMPTY_TABLES, named(BACKEND));
  const renamed = { updated: [{ name: 'other', resource: BACKEND }] };
  assert.match(
    applyBatch(tables, { ...renamed, removed: [] }).rejects[0]?.error ?? '',
    /held by the resource backend\/a\/b/,
  );
  assert.deepEqual(applyBatch(tables, { ...renamed, removed: ['backend/a/b'] }).rejects, []);
});

test('order of arrival never matters', () => {
  const resources = [...portResources('http', 3000, 1), ...portResources('tcp', 3001, 2), tcpPolicy({}), BACKEND];
  const forth = applyBatch(EMPTY_TABLES, named(...resources)).tables;
  const back = applyBatch(EMPTY_TABLES, named(...resources.reverse())).tables;
  for (const list of ['binds', 'policies'] as const) assert.deepEqual(forth[list], back[list]);
  for (const map of ['backends', 'listenersByBind', 'httpRoutesByListener'] as const) {
    assert.deepEqual([...forth[map]], [...back[map]]);
  }
});

test('settings are looked up by gateway and port', () => {
  const { tables } = applyBatch(EMPTY_TABLES, named(tcpPolicy({ timeMs: 30_000 })));
  assert.equal(frontendByPort(tables, GATEWAY)(3000).tcp?.idleSeconds, 30);
  assert.equal(frontendByPort(tables, { namespace: 'other', name: GATEWAY.name })(3000).tcp, undefined);
});

test('routes are chosen in Gateway API precedence', () => {
  const [bind, listener, , base] = portResources('http', 3000, 1);
  assert.ok(bind?.kind === 'bind' && listener?.kind === 'listener' && base?.kind === 'route');
  const header = { name: 'X-Env', match: { type: 'exact', value: 'test' } } as const;
  const route = (key: string, more: Partial<HttpRoute>): HttpRoute => ({ ...base, key, ...more });
  const path = (type: 'exact' | 'prefix' | 'regex', value: string) => ({ path: { type, value }, headers: [] });
  const wide = { ...listener, key: 'wide', hostname: '*.example.com' };
  const tables: Tables = applyBatch(
    EMPTY_TABLES,
    named(
      bind,
      listener,
      wide,
      route('root', { matches: [path('prefix', '/')] }),
      route('regex', { matches: [path('regex', '/[a-z]+/only')] }),
      route('foo', { matches: [path('prefix', '/foo')] }),
      route('foo-bar', { matches: [path('prefix', '/foo/bar/')] }),
      route('exact', { matches: [path('exact', '/foo/bar')] }),
      route('post', { matches: [{ ...path('prefix', '/foo'), method: 'POST' }] }),
      route('header', { matches: [{ ...path('prefix', '/foo'), headers: [header] }] }),
      route('host', { hostnames: ['shop.test'], matches: [path('prefix', '/')] }),
      route('never', { matches: [] }),
      route('under-wide', { listenerKey: 'wide', matches: [path('exact', '/a')] }),
    ),
  ).tables;
  const ask = (target: string, more: { method?: string; authority?: string; headers?: string[] } = {}) => {
    const request = { method: 'GET', authority: 'other.test', headers: [], target, ...more };
    const routing = routeHttp(tables, bind, request);
    return routing.kind === 'route' ? routing.route.key : routing.kind;
  };
  assert.equal(ask('/'), 'root');
  assert.equal(ask('/foobar'), 'root');
  assert.equal(ask('/foo?x=/bar'), 'foo');
  assert.equal(ask('/foo/bar'), 'exact');
  assert.equal(ask('/foo/bar/deep'), 'foo-bar');
  assert.equal(ask('/foo', { method: 'POST' }), 'post');
  assert.equal(ask('/foo', { headers: ['x-env', 'test'] }), 'header');
  assert.equal(ask('/foo', { authority: 'SHOP.test:3000' }), 'host');
  assert.equal(ask('/a', { authority: 'deep.down.example.com' }), 'under-wide');
  assert.equal(ask('/b', { authority: 'deep.down.example.com' }), 'no_route');
});

test('a regular expression matches the whole of a path or header, and no client can make it search for long', () => {
  const [bind, listener, , base] = portResources('http', 3000, 1);
  assert.ok(bind?.kind === 'bind' && listener?.kind === 'listener' && base?.kind === 'route');
  const path = { type: 'regex', value: '/a|/ab' } as const;
  const headers = [{ name: 'x', match: { type: 'regex', value: '(x+x+)+y' } as const }];
  const { tables } = applyBatch(EMPTY_TABLES, named(bind, listener, { ...base, matches: [{ path, headers }] }));
  const ask = (target: string, value: string) =>
    routeHttp(tables, bind, { method: 'GET', authority: 'a', headers: ['x', value], target }).kind;
  assert.equal(ask('/ab', 'xxxy'), 'route');
  assert.equal(ask('/abc', 'xxxy'), 'no_route');
  assert.equal(ask('/ab', 'xxxyz'), 'no_route');
  const startedAt = performance.now();
  assert.equal(ask('/ab', 'x'.repeat(10_000)), 'no_route');
  assert.ok(performance.now() - startedAt < 1_000);
});

function named(...resources: readonly GatewayResource[]) {
  return { updated: resources.map((resource) => ({ name: resourceName(resource), resource })), removed: [] };
}
