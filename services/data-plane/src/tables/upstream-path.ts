import type { BackendPath, HttpRoute, Listener, TcpRoute } from '@pulseplane/projection/gateway';

/** The way from a listener to a backend, by names, so that it outlives the resources which it was made of. */
export type UpstreamPath = Omit<BackendPath, 'backend'> & {
  readonly backendKey: string;
  /** The same for equal paths. */
  readonly key: string;
};

export function upstreamPath(
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
