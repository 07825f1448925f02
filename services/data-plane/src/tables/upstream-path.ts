import type { BackendPath, HttpRoute, Listener, TcpRoute } from '@pulseplane/projection/gateway';

/** The way from a listener to a backend, by names, so that it outlives the resources which it was made of. */
export type UpstreamPath = Omit<BackendPath, 'backend'> & {
  readonly backendKey: string;
  /** The same for equal paths. */
  readonly key: string;
};

const known = new WeakMap<Listener, WeakMap<HttpRoute | TcpRoute, Map<string, UpstreamPath>>>();

/** The same value for the same resources: each request asks for one. */
export function upstreamPath(listener: Listener, route: HttpRoute | TcpRoute, backendKey: string): UpstreamPath {
  let path = known.get(listener)?.get(route)?.get(backendKey);
  if (path === undefined) {
    const byRoute = known.get(listener) ?? new WeakMap<HttpRoute | TcpRoute, Map<string, UpstreamPath>>();
    const byBackend = byRoute.get(route) ?? new Map<string, UpstreamPath>();
    path = pathOf(listener, route, backendKey);
    byBackend.set(backendKey, path);
    byRoute.set(route, byBackend);
    known.set(listener, byRoute);
  }
  return path;
}

function pathOf(
  { key, gateway, listenerName }: Listener,
  { name: route }: HttpRoute | TcpRoute,
  backendKey: string,
): UpstreamPath {
  return {
    gateway,
    listener: listenerName,
    route,
    backendKey,
    key: `${key} ${route.kind}/${route.namespace}/${route.name}/${route.ruleName ?? ''} ${backendKey}`,
  };
}
