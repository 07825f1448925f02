import { effectiveFrontend, winningPolicies } from './effective-frontend.ts';
import type { ExplainedValue } from './explained-value.ts';
import type { GatewayName, HttpSettings, Policy, TcpKeepalive } from './resource.ts';
import type { TlsSettings } from './tls-settings.ts';

type Field<Settings, Name extends string> = {
  readonly name: Name;
  /** Where the resource has it, and where people write it. */
  readonly setting: keyof Settings;
  readonly field: string;
};

const TCP_FIELDS: readonly Field<TcpKeepalive, 'idleSeconds' | 'intervalSeconds' | 'probes'>[] = [
  { name: 'idleSeconds', setting: 'timeMs', field: 'spec.frontend.tcp.keepalive.time' },
  { name: 'intervalSeconds', setting: 'intervalMs', field: 'spec.frontend.tcp.keepalive.interval' },
  { name: 'probes', setting: 'retries', field: 'spec.frontend.tcp.keepalive.retries' },
];

const HTTP_SETTINGS: { readonly [Setting in keyof Required<HttpSettings>]: true } = {
  maxBufferSize: true,
  http1MaxHeaders: true,
  http1IdleTimeoutMs: true,
  http1HeaderCase: true,
  http2WindowSize: true,
  http2ConnectionWindowSize: true,
  http2FrameSize: true,
  http2MaxHeaderSize: true,
  http2KeepaliveIntervalMs: true,
  http2KeepaliveTimeoutMs: true,
  maxConnectionDurationMs: true,
};

const HTTP_FIELDS = (Object.keys(HTTP_SETTINGS) as (keyof HttpSettings)[]).map(
  (setting): Field<HttpSettings, keyof HttpSettings> => ({
    name: setting,
    setting,
    field: `spec.frontend.http.${setting.replace(/Ms$/, '')}`,
  }),
);

const TLS_FIELDS: readonly Field<TlsSettings, keyof TlsSettings>[] = [
  { name: 'handshakeTimeoutMs', setting: 'handshakeTimeoutMs', field: 'spec.frontend.tls.handshakeTimeout' },
  { name: 'alpnProtocols', setting: 'alpnProtocols', field: 'spec.frontend.tls.alpnProtocols' },
  { name: 'cipherSuites', setting: 'cipherSuites', field: 'spec.frontend.tls.cipherSuites' },
  { name: 'keyExchangeGroups', setting: 'keyExchangeGroups', field: 'spec.frontend.tls.keyExchangeGroups' },
  { name: 'minVersion', setting: 'minVersion', field: 'spec.frontend.tls.minProtocolVersion' },
  { name: 'maxVersion', setting: 'maxVersion', field: 'spec.frontend.tls.maxProtocolVersion' },
];

const PROXY_FIELDS = ['mode', 'version'] as const;

/**
 * Every value of {@link effectiveFrontend} with its source: the same merge, told field by field. Of the PROXY protocol
 * only where a policy sets it.
 */
export function explainFrontend(
  policies: readonly Policy[],
  gateway: GatewayName,
  port: number,
): { readonly [Section in 'tcp' | 'http' | 'tls' | 'proxyProtocol']: readonly ExplainedValue[] } {
  const effective = effectiveFrontend(policies, gateway, port);
  const { tcp, http, tls, proxyProtocol } = winningPolicies(policies, gateway, port);
  const keepalive = tcp?.frontend.section === 'tcp' ? tcp.frontend.keepalive : {};
  const settings = http?.frontend.section === 'http' ? http.frontend.http : {};
  const handshake = tls?.frontend.section === 'tls' ? tls.frontend.tls : {};
  return {
    tcp: TCP_FIELDS.map(({ name, setting, field }) => ({
      name: `tcp.${name}`,
      value: effective.tcp?.[name] ?? null,
      ...(tcp !== undefined && keepalive[setting] !== undefined && { source: { policy: tcp, field } }),
    })),
    http: HTTP_FIELDS.map(({ name, setting, field }) => ({
      name: `http.${name}`,
      value: effective.http[name] ?? null,
      ...(http !== undefined && settings[setting] !== undefined && { source: { policy: http, field } }),
    })),
    tls: TLS_FIELDS.map(({ name, setting, field }) => ({
      name: `tls.${name}`,
      value: effective.tls[name] ?? null,
      ...(tls !== undefined && handshake[setting] !== undefined && { source: { policy: tls, field } }),
    })),
    proxyProtocol: PROXY_FIELDS.flatMap((name): readonly ExplainedValue[] => {
      const value = effective.proxyProtocol?.[name];
      if (proxyProtocol === undefined || value === undefined) return [];
      return [
        {
          name: `proxyProtocol.${name}`,
          value,
          source: { policy: proxyProtocol, field: `spec.frontend.proxyProtocol.${name}` },
        },
      ];
    }),
  };
}
