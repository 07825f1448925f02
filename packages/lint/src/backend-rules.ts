import type { EffectiveBackend } from '@pulseplane/projection/gateway';
import type { AgentgatewayBackendSpec, AgentgatewayPolicySpec, KubernetesObject } from '@pulseplane/resources';
import { environmentsOf } from './annotation.ts';
import type { Environment } from './environment.ts';
import type { Observation } from './finding.ts';
import { isTooLate, probesEnd, seconds, tooLate } from './port-rules.ts';

/** What is in force on connections to a backend; without a policy the backend itself says so, or nobody. */
export type LintedBackend = { readonly tcp: EffectiveBackend['tcp']; readonly tcpPolicy?: KubernetesObject };

/** How long a worker keeps an idle upstream connection, unless the server's Keep-Alive header asks for less. */
const UPSTREAM_IDLE_SECONDS = 4;

/** What the rules say of the connections to a backend. `settings` is asked only where its annotations need it. */
export function observeBackend(
  backend: KubernetesObject,
  settings: () => readonly LintedBackend[],
): readonly Observation[] {
  return environmentsOf([backend]).flatMap((environment) => {
    if (environment.kind === 'app-server') return order(backend, environment);
    if (environment.kind !== 'middlebox') return [];
    return settings().flatMap((inForce) => silence(backend, inForce, environment));
  });
}

/** Idle HTTP/1 connections: the backend must keep them longer than the workers reuse them. */
function order(
  object: KubernetesObject,
  environment: Extract<Environment, { kind: 'app-server' }>,
): readonly Observation[] {
  const { name, idleSeconds } = environment;
  if (idleSeconds > UPSTREAM_IDLE_SECONDS) return [];
  const message = `${name} closes idle connections after ${idleSeconds}s, but workers reuse them for ${UPSTREAM_IDLE_SECONDS}s: set it to more`;
  return [{ rule: 'order', object, field: 'spec.static', message, environment }];
}

/** Connections through a middlebox: a probe must come before it forgets them, and must count there. */
function silence(
  backend: KubernetesObject,
  { tcp, tcpPolicy }: LintedBackend,
  environment: Extract<Environment, { kind: 'middlebox' }>,
): readonly Observation[] {
  const { keepalive, field } = keepaliveOf(backend, tcpPolicy);
  const object = tcpPolicy ?? backend;
  if (environment.dataOnly === true) {
    return keepalive === undefined
      ? []
      : [{ rule: 'layer', object, field, message: probesEnd(environment), environment }];
  }
  if (!isTooLate(tcp.idleSeconds, environment)) return [];
  const isDefault = keepalive?.time === undefined;
  const message = `to the backend, the first probe comes after ${seconds(tcp.idleSeconds)}${isDefault ? ' (default)' : ''}${tooLate(environment)}`;
  return [{ rule: 'nat', object, field: isDefault ? field : `${field}.time`, message, environment }];
}

/** Where the keepalive in force is written, or would be; undefined where the default holds. */
function keepaliveOf(backend: KubernetesObject, policy: KubernetesObject | undefined) {
  // Stored objects fit their schemas.
  if (policy !== undefined) {
    const keepalive = (policy.spec as AgentgatewayPolicySpec | undefined)?.backend?.tcp?.keepalive;
    return { keepalive, field: 'spec.backend.tcp.keepalive' };
  }
  const { policies } = backend.spec as unknown as AgentgatewayBackendSpec;
  return { keepalive: policies?.tcp?.keepalive, field: 'spec.policies.tcp.keepalive' };
}
