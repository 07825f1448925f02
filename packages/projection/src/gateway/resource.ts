import type { PrivateKey } from './private-key.ts';
import type { TlsSettings } from './tls-settings.ts';

/**
 * The small named things that a worker is configured with. The control plane projects them from the log,
 * the wire carries them as `agentgateway.dev.resource.Resource`, the worker builds its tables from them.
 * Each points up at its parent by key. Durations are whole milliseconds.
 */
export type GatewayResource = Bind | Listener | HttpRoute | TcpRoute | Backend | Policy;

/** A gateway object, by namespace and name. */
export type GatewayName = { readonly namespace: string; readonly name: string };

/** What a listener speaks; `tls` is any protocol within TLS. */
export type ListenerProtocol = 'http' | 'https' | 'tcp' | 'tls';

/** What is read first on a port; `tls` leads to listeners of `https` and `tls`. */
export type BindProtocol = Exclude<ListenerProtocol, 'https'>;

/** A port to accept connections on. Key: `<port>/<namespace>/<gateway>`. */
export type Bind = {
  readonly kind: 'bind';
  readonly key: string;
  readonly port: number;
  readonly protocol: BindProtocol;
};

/** One of a gateway's listeners, on a bind. Key: `<namespace>/<gateway>.<listener>`. */
export type Listener = {
  readonly kind: 'listener';
  readonly key: string;
  readonly bindKey: string;
  readonly gateway: GatewayName;
  readonly listenerName: string;
  /** Empty: every host. `*.example.com` matches any depth of subdomain. */
  readonly hostname: string;
  readonly protocol: ListenerProtocol;
  /** TLS ends here: always with `https`. Without it `tls` is passed on as it comes. */
  readonly tls?: ListenerTls;
};

/** What a listener shows to clients: the certificate that fits the server name, or else the first. */
export type ListenerTls = { readonly certificates: readonly Certificate[] };

/** A certificate with those that lead to its authority, in PEM, and its key. */
export type Certificate = { readonly chain: string; readonly key: PrivateKey };

/** The route object that a rule came from. */
export type RouteName = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly ruleName?: string;
};

/** A backend's key and its share of the traffic; weight 0 gets none. */
export type WeightedBackend = { readonly backendKey: string; readonly weight: number };

/** How one string is compared. */
export type StringMatch =
  | { readonly type: 'exact'; readonly value: string }
  | { readonly type: 'regex'; readonly value: string };

/** All given parts must match. */
export type RouteMatch = {
  readonly path:
    | { readonly type: 'exact' | 'prefix'; readonly value: string }
    | { readonly type: 'regex'; readonly value: string };
  readonly headers: readonly { readonly name: string; readonly match: StringMatch }[];
  readonly method?: string;
};

/** One rule of an HTTPRoute on one listener. Without a match it never matches. */
export type HttpRoute = {
  readonly kind: 'route';
  readonly key: string;
  readonly listenerKey: string;
  readonly name: RouteName;
  readonly hostnames: readonly string[];
  readonly matches: readonly RouteMatch[];
  readonly backends: readonly WeightedBackend[];
};

/** One rule of a TCPRoute or a TLSRoute on one listener. */
export type TcpRoute = {
  readonly kind: 'tcp_route';
  readonly key: string;
  readonly listenerKey: string;
  readonly name: RouteName;
  /** The server names (SNI) of TLS; empty: whatever the listener serves. */
  readonly hostnames: readonly string[];
  readonly backends: readonly WeightedBackend[];
};

/** A fixed upstream address. Key: `<namespace>/<name>`. */
export type Backend = {
  readonly kind: 'backend';
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** What the backend itself sets, each section once at most. */
  readonly inlinePolicies: readonly BackendPolicy[];
};

/** One section of one policy on one exact target. */
export type Policy = PolicyOnFrontend | PolicyOnBackend;

type PolicyHead = {
  readonly kind: 'policy';
  readonly key: string;
  readonly name: { readonly kind: string; readonly namespace: string; readonly name: string };
};

/** It is about the connections that are accepted. */
export type PolicyOnFrontend = PolicyHead & { readonly target: FrontendTarget; readonly frontend: FrontendPolicy };

/** It is about the connections that are made. */
export type PolicyOnBackend = PolicyHead & { readonly target: BackendTarget; readonly backend: BackendPolicy };

/** A gateway, or one port of it. */
export type FrontendTarget = { readonly gateway: GatewayName; readonly port?: number };

/** A gateway, or one listener of it; a route, or one rule of it; a backend. */
export type BackendTarget =
  | { readonly gateway: GatewayName; readonly listener?: string }
  | { readonly route: RouteName }
  | { readonly backend: { readonly namespace: string; readonly name: string } };

/** What is set; whatever is absent has the worker's default. */
export type FrontendPolicy =
  | { readonly section: 'tcp'; readonly keepalive: TcpKeepalive }
  | { readonly section: 'http'; readonly http: HttpSettings }
  | { readonly section: 'tls'; readonly tls: TlsSettings }
  | { readonly section: 'proxyProtocol'; readonly proxyProtocol: ProxyProtocol };

/** The same for connections to backends. Without a keepalive the default one holds, as with an empty one. */
export type BackendPolicy =
  | { readonly section: 'tcp'; readonly connectTimeoutMs?: number; readonly keepalive?: TcpKeepalive }
  | { readonly section: 'http'; readonly version?: HttpVersion; readonly requestTimeoutMs?: number };

export type HttpVersion = 'http1' | 'http2';

export type TcpKeepalive = {
  readonly timeMs?: number;
  readonly intervalMs?: number;
  readonly retries?: number;
};

/** A PROXY header begins each connection: always (`strict`) or perhaps. */
export type ProxyProtocol = { readonly mode: 'strict' | 'optional'; readonly version: 'v1' | 'v2' | 'all' };

/** Sizes in bytes. */
export type HttpSettings = {
  readonly maxBufferSize?: number;
  readonly http1MaxHeaders?: number;
  readonly http1IdleTimeoutMs?: number;
  readonly http1HeaderCase?: 'lowercase' | 'preserve';
  readonly http2WindowSize?: number;
  readonly http2ConnectionWindowSize?: number;
  readonly http2FrameSize?: number;
  readonly http2MaxHeaderSize?: number;
  readonly http2KeepaliveIntervalMs?: number;
  readonly http2KeepaliveTimeoutMs?: number;
  readonly maxConnectionDurationMs?: number;
};

/** The xDS name of a resource: one for each key, as agentgateway's controller names them. */
export function resourceName(resource: GatewayResource): string {
  return `${resource.kind}/${resource.key}`;
}
