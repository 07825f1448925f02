import { type BackendPath, type BackendPolicyIndex, effectiveBackend, winningSection } from './effective-backend.ts';
import type { ExplainedValue } from './explained-value.ts';
import type { TcpKeepalive } from './resource.ts';

/** Values by the name that they have in force, with the setting of the resource and the field that people write. */
const KEEPALIVE_FIELDS = [
  { name: 'idleSeconds', setting: 'timeMs', field: 'tcp.keepalive.time' },
  { name: 'intervalSeconds', setting: 'intervalMs', field: 'tcp.keepalive.interval' },
  { name: 'probes', setting: 'retries', field: 'tcp.keepalive.retries' },
] as const satisfies readonly { readonly name: string; readonly setting: keyof TcpKeepalive; readonly field: string }[];

const HTTP_FIELDS = [
  { setting: 'version', field: 'http.version' },
  { setting: 'requestTimeoutMs', field: 'http.requestTimeout' },
] as const;

/** Every value of {@link effectiveBackend} with its source: the same merge, told field by field. */
export function explainBackend(
  policies: BackendPolicyIndex,
  path: BackendPath,
): { readonly tcp: readonly ExplainedValue[]; readonly http: readonly ExplainedValue[] } {
  const effective = effectiveBackend(policies, path);
  const tcp = winningSection(policies, path, 'tcp');
  const http = winningSection(policies, path, 'http');
  const { connectTimeoutMs } = tcp?.settings ?? {};
  return {
    tcp: [
      {
        name: 'tcp.connectTimeoutMs',
        value: effective.tcp.connectTimeoutMs,
        ...sourceOf(tcp, connectTimeoutMs, 'tcp.connectTimeout'),
      },
      ...KEEPALIVE_FIELDS.map(({ name, setting, field }) => ({
        name: `tcp.${name}`,
        value: effective.tcp[name],
        ...sourceOf(tcp, tcp?.settings.keepalive?.[setting], field),
      })),
    ],
    http: HTTP_FIELDS.map(({ setting, field }) => ({
      name: `http.${setting}`,
      value: effective.http[setting] ?? null,
      ...sourceOf(http, http?.settings[setting], field),
    })),
  };
}

/** Nothing when the winner leaves the value out: then it is the default. */
function sourceOf(
  winner: ReturnType<typeof winningSection>,
  value: number | string | undefined,
  field: string,
): Pick<ExplainedValue, 'source'> {
  if (winner === undefined || value === undefined) return {};
  const { source } = winner;
  const parent = 'policy' in source ? 'spec.backend' : 'spec.policies';
  return { source: { ...source, field: `${parent}.${field}` } };
}
