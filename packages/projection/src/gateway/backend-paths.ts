import type { BackendPath } from './effective-backend.ts';
import type { Backend, Bind, GatewayResource, HttpRoute, Listener, TcpRoute } from './resource.ts';

/** A way from a listener to a backend, and the port that it begins at. */
export type PortBackendPath = BackendPath & { readonly port: number };

/** Each way that a gateway's resources lead, once: unnamed rules of a route are one. Weights do not count. */
export function backendPaths(resources: readonly GatewayResource[]): readonly PortBackendPath[] {
  const binds = byKey(resources.filter((resource): resource is Bind => resource.kind === 'bind'));
  const listeners = byKey(resources.filter((resource): resource is Listener => resource.kind === 'listener'));
  const backends = byKey(resources.filter((resource): resource is Backend => resource.kind === 'backend'));
  const paths = new Map<string, PortBackendPath>();
  for (const { listenerKey, name: route, backends: weighted } of resources.filter(isRoute)) {
    const listener = listeners.get(listenerKey);
    const bind = listener && binds.get(listener.bindKey);
    if (listener === undefined || bind === undefined) continue;
    for (const { backendKey } of weighted) {
      const backend = backends.get(backendKey);
      if (backend === undefined) continue;
      const path = { gateway: listener.gateway, listener: listener.listenerName, route, backend, port: bind.port };
      paths.set(pathName(path), path);
    }
  }
  return [...paths.values()];
}

/** `http HTTPRoute httpbin/web/first httpbin/upstream`: the listener, the route with its rule, the backend. */
export function pathName({ listener, route: { kind, namespace, name, ruleName }, backend }: BackendPath): string {
  const rule = ruleName === undefined ? '' : `/${ruleName}`;
  return `${listener} ${kind} ${namespace}/${name}${rule} ${backend.key}`;
}

function isRoute(resource: GatewayResource): resource is HttpRoute | TcpRoute {
  return resource.kind === 'route' || resource.kind === 'tcp_route';
}

function byKey<Resource extends GatewayResource>(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(resources.map((resource) => [resource.key, resource]));
}
