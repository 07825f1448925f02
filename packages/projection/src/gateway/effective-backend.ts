import type {
  Backend,
  BackendPolicy,
  BackendTarget,
  GatewayName,
  HttpVersion,
  Policy,
  PolicyOnBackend,
  RouteName,
} from './resource.ts';
import { type SocketKeepalive, socketKeepalive } from './socket-keepalive.ts';

/** The way from a listener to a backend, by the names that policies target. */
export type BackendPath = {
  readonly gateway: GatewayName;
  readonly listener: string;
  readonly route: RouteName;
  readonly backend: Backend;
};

/** Who sets a section: a policy, or the backend itself. */
type BackendSource = { readonly policy: PolicyOnBackend } | { readonly backend: Backend };

/** What holds for the connections that are made on one path, defaults filled in. */
export type EffectiveBackend = {
  /** `source` names what sets the section: the key of a policy, or `inline/` and that of a backend. */
  readonly tcp: SocketKeepalive & { readonly source?: string; readonly connectTimeoutMs: number };
  readonly http: { readonly source?: string; readonly version: HttpVersion; readonly requestTimeoutMs?: number };
};

/**
 * The data plane's defaults: keepalive on, as in agentgateway, which sets it on every connection that it makes
 * (lib.rs), and its connect timeout. Without a version HTTP/1.1 is spoken, whatever the client speaks.
 */
export const BACKEND_DEFAULTS = { connectTimeoutMs: 10_000, version: 'http1' } as const;

/** Backend policies by what they target; at one target there is one policy of each section. */
export type BackendPolicyIndex = ReadonlyMap<string, PolicyOnBackend>;

type SectionName = BackendPolicy['section'];
type SectionPolicy<Section extends SectionName> = Extract<BackendPolicy, { section: Section }>;

/** Of two for one target and section, which the projection never sends, the first by key counts. */
export function indexBackendPolicies(policies: Iterable<Policy>): BackendPolicyIndex {
  const index = new Map<string, PolicyOnBackend>();
  for (const policy of policies) {
    if (!('backend' in policy)) continue;
    const key = indexKey(policy.backend.section, policy.target);
    const holder = index.get(key);
    if (holder === undefined || policy.key < holder.key) index.set(key, policy);
  }
  return index;
}

/**
 * The settings in force on one path. The unit is the section: what is set at the more specific place replaces the other
 * wholly. The order is that of agentgateway's code (binds.rs, `internal_backend_policies`), not of its documentation.
 */
export function effectiveBackend(policies: BackendPolicyIndex, path: BackendPath): EffectiveBackend {
  const tcp = winningSection(policies, path, 'tcp');
  const http = winningSection(policies, path, 'http');
  const { connectTimeoutMs = BACKEND_DEFAULTS.connectTimeoutMs, keepalive = {} } = tcp?.settings ?? {};
  const { version = BACKEND_DEFAULTS.version, requestTimeoutMs } = http?.settings ?? {};
  return {
    tcp: { ...sourceOf(tcp), connectTimeoutMs, ...socketKeepalive(keepalive) },
    http: { ...sourceOf(http), version, ...(requestTimeoutMs !== undefined && { requestTimeoutMs }) },
  };
}

/** What sets a section on a path, if anything does. */
export function winningSection<Section extends SectionName>(
  policies: BackendPolicyIndex,
  path: BackendPath,
  section: Section,
): { readonly source: BackendSource; readonly settings: SectionPolicy<Section> } | undefined {
  const isOfSection = (settings: BackendPolicy): settings is SectionPolicy<Section> => settings.section === section;
  const inline = path.backend.inlinePolicies.find(isOfSection);
  if (inline !== undefined) return { source: { backend: path.backend }, settings: inline };
  for (const target of targetsOf(path)) {
    const policy = policies.get(indexKey(section, target));
    if (policy !== undefined && isOfSection(policy.backend)) return { source: { policy }, settings: policy.backend };
  }
  return undefined;
}

/** What policies can target on a path, the most specific first. */
function* targetsOf({ gateway, listener, route, backend }: BackendPath): Generator<BackendTarget> {
  const { ruleName, ...whole } = route;
  if (ruleName !== undefined) yield { route };
  yield { route: whole };
  yield { backend };
  yield { gateway, listener };
  yield { gateway };
}

function indexKey(section: SectionName, target: BackendTarget): string {
  if ('gateway' in target) {
    const { gateway, listener = '' } = target;
    return `${section} gateway ${gateway.namespace}/${gateway.name}/${listener}`;
  }
  if ('route' in target) {
    const { kind, namespace, name, ruleName = '' } = target.route;
    return `${section} ${kind} ${namespace}/${name}/${ruleName}`;
  }
  return `${section} backend ${target.backend.namespace}/${target.backend.name}`;
}

function sourceOf(winner: { readonly source: BackendSource } | undefined): { readonly source?: string } {
  if (winner === undefined) return {};
  const { source } = winner;
  return { source: 'policy' in source ? source.policy.key : `inline/${source.backend.key}` };
}
