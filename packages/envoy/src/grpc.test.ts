import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayResource } from '@pulseplane/projection/gateway';
import { toGrpc } from './grpc.ts';
import { at, BOTH, backend, GATEWAY, httpRoute, listener, resourceOf } from './testing/gateway.ts';

const NAME = 'gw.ns:3000';

test('a port without host names is called by its gateway; TCP is not served', () => {
  assert.deepEqual(
    toGrpc(GATEWAY, BOTH).map(({ typeUrl, name }) => `${typeUrl.split('.').at(-1)} ${name}`),
    [`Listener ${NAME}`, `RouteConfiguration ${NAME}`, 'Cluster ns/up', 'ClusterLoadAssignment ns/up'],
  );
});

test('a host name is called by it, with its routes only; a wildcard is nobody in particular', () => {
  const hosts = ['a.example', '*.example'].map((hostname) => listener('http', hostname, `ns/gw.${hostname}`));
  const routes = ['a.example', '*.example'].map((hostname, index) =>
    httpRoute({ key: `r${index}`, listenerKey: `ns/gw.${hostname}`, hostnames: [hostname] }),
  );
  const resources = toGrpc(GATEWAY, [...without('listener', 'route'), ...hosts, ...routes]);
  assert.deepEqual(
    resources.filter(({ typeUrl }) => typeUrl.endsWith('.Listener')).map(({ name }) => name),
    ['a.example:3000'],
  );
  const configuration = resourceOf(resources, 'RouteConfiguration', 'a.example:3000');
  assert.deepEqual(at(configuration, 'virtual_hosts.0.domains'), ['*']);
  assert.equal(at(configuration, 'virtual_hosts.0.routes.0.name'), 'r0');
});

test('a prefix of whole path elements is an expression', () => {
  const route = httpRoute({}, '/a.B+c/Get');
  const configuration = resourceOf(toGrpc(GATEWAY, [...without('route'), route]), 'RouteConfiguration', NAME);
  assert.deepEqual(at(configuration, 'virtual_hosts.0.routes.0.match'), {
    safe_regex: { regex: '/a\\.B\\+c/Get(?:/.*)?' },
  });
});

test('gRPC calls are POST: another method never matches, and POST says nothing', () => {
  const [get, post] = ['GET', 'POST'].map((method) => {
    const route = httpRoute({ matches: [{ path: { type: 'prefix', value: '/' }, headers: [], method }] });
    const configuration = resourceOf(toGrpc(GATEWAY, [...without('route'), route]), 'RouteConfiguration', NAME);
    return at(configuration, 'virtual_hosts.0.routes.0.match');
  });
  assert.deepEqual([get, post], [undefined, { prefix: '/' }]);
});

test('a backend that does not exist has no share', () => {
  const backends = ['ns/up', 'ns/missing', ''].map((backendKey) => ({ backendKey, weight: 1 }));
  const resources = toGrpc(GATEWAY, [...without('route'), httpRoute({ backends })]);
  const configuration = resourceOf(resources, 'RouteConfiguration', NAME);
  assert.deepEqual(at(configuration, 'virtual_hosts.0.routes.0.route'), { cluster: 'ns/up' });
});

test('a host name is looked up by the client; an address is an endpoint', () => {
  const resources = toGrpc(GATEWAY, [...without('backend'), backend('up', 'up.example')]);
  assert.equal(at(resourceOf(resources, 'Cluster', 'ns/up'), 'type'), 'LOGICAL_DNS');
  assert.equal(resourceOf(resources, 'ClusterLoadAssignment', 'ns/up'), undefined);
  assert.equal(at(resourceOf(toGrpc(GATEWAY, BOTH), 'Cluster', 'ns/up'), 'type'), 'EDS');
});

function without(...kinds: readonly GatewayResource['kind'][]): readonly GatewayResource[] {
  return BOTH.filter(({ kind }) => !kinds.includes(kind));
}
