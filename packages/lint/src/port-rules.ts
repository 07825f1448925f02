import { carriesHttp, type EffectiveFrontend, type ListenerProtocol } from '@pulseplane/projection/gateway';
import type { AgentgatewayPolicySpec, KubernetesObject } from '@pulseplane/resources';
import { environmentsOf } from './annotation.ts';
import type { Environment } from './environment.ts';
import type { Observation } from './finding.ts';

/** One port of a gateway with what is in force on it. */
export type LintedPort = {
  readonly port: number;
  readonly protocol: ListenerProtocol;
  readonly frontend: EffectiveFrontend;
  /** The policies that say so; absent: the worker's defaults hold. */
  readonly tcpPolicy?: KubernetesObject;
  readonly httpPolicy?: KubernetesObject;
  readonly tlsPolicy?: KubernetesObject;
};

/** The objects that speak of the surroundings of a gateway's connections. */
export type Place = { readonly gateway: KubernetesObject; readonly namespace?: KubernetesObject | undefined };

/** Of the time after which a middlebox forgets a connection: the rest is for a probe that is lost and repeated. */
const MIDDLEBOX_SHARE = 0.8;
/** How early a worker's PING may come, as a share of its interval. */
const EARLIEST_PING = 0.85;

const TCP = 'spec.frontend.tcp.keepalive';
const HTTP = 'spec.frontend.http';

type PortRule = (port: LintedPort, place: Place) => readonly Observation[];
type Of<Kind extends Environment['kind']> = Extract<Environment, { readonly kind: Kind }>;

/** What the rules say of one port. */
export function observePort(port: LintedPort, place: Place): readonly Observation[] {
  return PORT_RULES.flatMap((rule) => rule(port, place));
}

/** Idle HTTP/1 connections: the gateway must keep them longer than the proxy in front of it reuses them. */
const order: PortRule = ({ port, protocol, frontend, httpPolicy }, place) => {
  if (!carriesHttp(protocol)) return [];
  const idle = frontend.http.http1IdleTimeoutMs / 1_000;
  const isDefault = httpSettings(httpPolicy).http1IdleTimeout === undefined;
  const [object, field] =
    httpPolicy === undefined ? [place.gateway, listenerField(place, port)] : [httpPolicy, `${HTTP}.http1IdleTimeout`];
  return around('http-proxy', place, httpPolicy)
    .filter(({ idleSeconds }) => idle <= idleSeconds)
    .map((environment) => ({
      rule: 'order',
      object,
      field,
      message: `idle connections are closed after ${seconds(idle)}${isDefault ? ' (default)' : ''}, but ${environment.name} reuses them for ${seconds(environment.idleSeconds)}: http1IdleTimeout must be longer`,
      environment,
    }));
};

/** Connections through a middlebox: something must be sent on them before it forgets them. */
const nat: PortRule = (port, place) => {
  const { frontend, tcpPolicy } = port;
  const { tcp } = frontend;
  if (tcp === undefined || tcpPolicy === undefined) {
    return pingNat(port, place, around('middlebox', place, port.httpPolicy));
  }
  const late = around('middlebox', place, tcpPolicy)
    .filter((environment) => environment.dataOnly !== true && isTooLate(tcp.idleSeconds, environment))
    .map(
      (environment): Observation => ({
        rule: 'nat',
        object: tcpPolicy,
        field: `${TCP}.time`,
        message: `the first probe comes after ${seconds(tcp.idleSeconds)}${tcpSettings(tcpPolicy).time === undefined ? ' (default)' : ''}${tooLate(environment)}`,
        environment,
      }),
    );
  const dataOnly = around('middlebox', place, port.httpPolicy).filter((environment) => environment.dataOnly === true);
  return [...late, ...pingNat(port, place, dataOnly)];
};

/** The same where no probe helps: then only a PING does, or that no connection lives so long. */
function pingNat(
  { port, protocol, frontend, httpPolicy }: LintedPort,
  place: Place,
  environments: readonly Of<'middlebox'>[],
): readonly Observation[] {
  const { http } = frontend;
  const { http2KeepaliveIntervalMs: interval, maxConnectionDurationMs: most = Number.POSITIVE_INFINITY } = http;
  return environments.flatMap((environment): readonly Observation[] => {
    const idleMs = environment.idleSeconds * 1_000;
    if (carriesHttp(protocol) && httpPolicy !== undefined && interval !== undefined) {
      if (interval < MIDDLEBOX_SHARE * idleMs) return [];
      const message = `the first PING comes after ${seconds(interval / 1_000)}${tooLate(environment)}`;
      return [{ rule: 'nat', object: httpPolicy, field: `${HTTP}.http2KeepaliveInterval`, message, environment }];
    }
    if (carriesHttp(protocol) && (most < idleMs || http.http1IdleTimeoutMs < idleMs)) return [];
    const message = `nothing keeps silent connections of port ${port} open: ${environment.name} drops them after ${seconds(environment.idleSeconds)}`;
    return [{ rule: 'nat', object: place.gateway, field: listenerField(place, port), message, environment }];
  });
}

/** Keepalive that the one in front does not count. */
const layer: PortRule = ({ protocol, frontend, tcpPolicy, httpPolicy }, place) => {
  const observations: Observation[] = [];
  const { tcp, http } = frontend;
  if (tcp !== undefined && tcpPolicy !== undefined) {
    for (const environment of around('middlebox', place, tcpPolicy).filter(({ dataOnly }) => dataOnly === true)) {
      observations.push({ rule: 'layer', object: tcpPolicy, field: TCP, message: probesEnd(environment), environment });
    }
    for (const environment of carriesHttp(protocol) ? around('http-proxy', place, tcpPolicy) : []) {
      observations.push({ rule: 'layer', object: tcpPolicy, field: TCP, message: probesEnd(environment), environment });
    }
  }
  if (carriesHttp(protocol) && httpPolicy !== undefined && http.http2KeepaliveIntervalMs !== undefined) {
    for (const environment of around('http-proxy', place, httpPolicy).filter(
      ({ ignoresPings }) => ignoresPings === true,
    )) {
      const message = `PINGs keep no connection of ${environment.name} open, which closes after ${seconds(environment.idleSeconds)} without data; they do find dead peers`;
      observations.push({
        rule: 'layer',
        object: httpPolicy,
        field: `${HTTP}.http2KeepaliveInterval`,
        message,
        environment,
      });
    }
  }
  return observations;
};

/** PINGs that come faster than the peer allows, and when it will close for that. */
const pingFloor: PortRule = ({ protocol, frontend, httpPolicy }, place) => {
  const interval = frontend.http.http2KeepaliveIntervalMs;
  if (!carriesHttp(protocol) || httpPolicy === undefined || interval === undefined) return [];
  const every = interval / 1_000;
  const field = `${HTTP}.http2KeepaliveInterval`;
  return around('ping-police', place, httpPolicy)
    .filter(({ minPingSeconds }) => every * EARLIEST_PING < minPingSeconds)
    .flatMap((environment): readonly Observation[] => {
      const { name, minPingSeconds, maxStrikes } = environment;
      const floor = `${seconds(every)} lets a PING come after ${seconds(every * EARLIEST_PING)}, but ${name} allows one each ${seconds(minPingSeconds)}`;
      const observation = { object: httpPolicy, field, environment };
      if (maxStrikes === undefined) return [{ rule: 'grpc-floor', message: floor, ...observation }];
      const end = `${name} closes a quiet connection after about ${seconds(every * (maxStrikes + 2))}: ${seconds(every)} x (${maxStrikes} strikes + 2)`;
      return [
        { rule: 'grpc-floor', message: floor, ...observation },
        { rule: 'strikes', message: end, ...observation },
      ];
    });
};

const detect: PortRule = ({ protocol, frontend: { tcp, http }, tcpPolicy, httpPolicy }) => {
  const observations: Observation[] = [];
  if (tcp !== undefined && tcpPolicy !== undefined) {
    const { idleSeconds, intervalSeconds, probes } = tcp;
    const sum = `${seconds(idleSeconds)} + ${seconds(intervalSeconds)} x ${probes}`;
    const message = `a dead peer is noticed after ${seconds(idleSeconds + intervalSeconds * probes)} (${sum}); while data is unacknowledged the kernel's retransmissions decide, about 15 minutes`;
    observations.push({ rule: 'detect', object: tcpPolicy, field: TCP, message });
  }
  const interval = http.http2KeepaliveIntervalMs;
  if (!carriesHttp(protocol) || httpPolicy === undefined || interval === undefined) return observations;
  const [every, timeout] = [interval / 1_000, http.http2KeepaliveTimeoutMs / 1_000];
  const message = `a dead HTTP/2 peer is noticed after ${seconds(every + timeout)} (${seconds(every)} + ${seconds(timeout)})`;
  observations.push({ rule: 'detect', object: httpPolicy, field: `${HTTP}.http2KeepaliveInterval`, message });
  return observations;
};

const pingTimeout: PortRule = ({ protocol, frontend: { http }, httpPolicy }) => {
  const { http2KeepaliveIntervalMs: interval, http2KeepaliveTimeoutMs: timeout } = http;
  if (!carriesHttp(protocol) || httpPolicy === undefined || interval === undefined || timeout < interval) return [];
  const isDefault = httpSettings(httpPolicy).http2KeepaliveTimeout === undefined;
  const message = `the timeout of ${seconds(timeout / 1_000)}${isDefault ? ' (default)' : ''} is not below the interval of ${seconds(interval / 1_000)}`;
  return [{ rule: 'ping-timeout', object: httpPolicy, field: `${HTTP}.http2KeepaliveTimeout`, message }];
};

const age: PortRule = ({ protocol, frontend: { http }, httpPolicy }) => {
  const most = http.maxConnectionDurationMs;
  if (!carriesHttp(protocol) || httpPolicy === undefined || most === undefined) return [];
  const message = `connections that were opened together end together, ${seconds(most / 1_000)} later`;
  return [{ rule: 'age', object: httpPolicy, field: `${HTTP}.maxConnectionDuration`, message }];
};

const PORT_RULES: readonly PortRule[] = [order, nat, layer, pingFloor, detect, pingTimeout, age];

/** The environments of a kind around a port, as far as they concern what a policy sets there. */
function around<Kind extends Environment['kind']>(
  kind: Kind,
  { namespace, gateway }: Place,
  policy: KubernetesObject | undefined,
): readonly Of<Kind>[] {
  return environmentsOf([namespace, gateway, policy]).filter(
    (environment): environment is Of<Kind> => environment.kind === kind,
  );
}

/** Whether a probe comes too late to keep a silent connection. */
export function isTooLate(probeSeconds: number, { idleSeconds }: Of<'middlebox'>): boolean {
  return probeSeconds >= MIDDLEBOX_SHARE * idleSeconds;
}

/** What to say then. */
export function tooLate({ name, idleSeconds }: Of<'middlebox'>): string {
  return `, not within ${seconds(idleSeconds * MIDDLEBOX_SHARE)}: ${name} drops silent connections after ${seconds(idleSeconds)}`;
}

/** What to say of probes that do not count. */
export function probesEnd({ name, idleSeconds }: Of<'middlebox' | 'http-proxy'>): string {
  return `probes keep no connection of ${name} open, which closes after ${seconds(idleSeconds)} without data; they do find dead peers`;
}

function listenerField({ gateway }: Place, port: number): string {
  const listeners = (gateway.spec?.['listeners'] ?? []) as readonly { readonly port: number }[];
  return `spec.listeners[${listeners.findIndex((listener) => listener.port === port)}]`;
}

type Frontend = NonNullable<AgentgatewayPolicySpec['frontend']>;

function frontendOf(policy: KubernetesObject | undefined): Frontend {
  // A stored policy fits its schema.
  return (policy?.spec as AgentgatewayPolicySpec | undefined)?.frontend ?? {};
}

function tcpSettings(policy: KubernetesObject): NonNullable<NonNullable<Frontend['tcp']>['keepalive']> {
  return frontendOf(policy).tcp?.keepalive ?? {};
}

function httpSettings(policy: KubernetesObject | undefined): NonNullable<Frontend['http']> {
  return frontendOf(policy).http ?? {};
}

/** Whole, or with as few digits as it has. */
export function seconds(value: number): string {
  return `${Number(value.toFixed(3))}s`;
}
