import type { KubernetesObject } from '@pulseplane/resources';
import { annotationFaults, environmentsOf } from './annotation.ts';
import { type Finding, type Observation, toFinding } from './finding.ts';
import { type LintedPort, observePort, type Place } from './port-rules.ts';

/** How long a worker keeps an idle upstream connection, unless the server's Keep-Alive header asks for less (undici). */
const UPSTREAM_IDLE_SECONDS = 4;

/** What the numbers say of a gateway's connections: findings about the gateway and the policies in force on it. */
export function lintGateway(place: Place, ports: readonly LintedPort[]): readonly Finding[] {
  const { gateway, namespace } = place;
  const observations = [...ports.flatMap((port) => observePort(port, place)), ...withoutEffect(place, ports)];
  const findings = observations.map((observation) =>
    toFinding(observation, namespace ? [namespace, gateway] : [gateway]),
  );
  // Ports alike have the same findings.
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

/** What the numbers say of the connections to a backend. Only its own annotations count: they say what it is. */
export function lintBackend(backend: KubernetesObject): readonly Finding[] {
  return environmentsOf([backend]).flatMap((environment) => {
    if (environment.kind !== 'app-server' || environment.idleSeconds > UPSTREAM_IDLE_SECONDS) return [];
    const { name, idleSeconds } = environment;
    const message = `${name} closes idle connections after ${idleSeconds}s, but workers reuse them for ${UPSTREAM_IDLE_SECONDS}s: set it to more`;
    return [toFinding({ rule: 'order', object: backend, field: 'spec.static', message, environment }, [])];
  });
}

/** What is wrong in the annotations by which an object speaks of its surroundings. */
export function lintAnnotations(object: KubernetesObject): readonly Finding[] {
  return annotationFaults(object).map(({ annotation, fault }) =>
    toFinding({ rule: 'annotation', object, field: `metadata.annotations[${annotation}]`, message: fault }, []),
  );
}

/** A finding in one line, for who writes the object that it is about. */
export function findingText({ rule, field, message, source }: Finding): string {
  return `${field}: ${message} (lint ${rule}, ${source})`;
}

/** Policies with HTTP settings that are in force on ports that speak TCP only. */
function withoutEffect({ gateway }: Place, ports: readonly LintedPort[]): readonly Observation[] {
  const holders = new Set(ports.flatMap(({ httpPolicy }) => httpPolicy ?? []));
  return [...holders].flatMap((object): readonly Observation[] => {
    const held = ports.filter(({ httpPolicy }) => httpPolicy === object);
    if (held.some(({ protocol }) => protocol === 'http')) return [];
    const numbers = held.map(({ port }) => port).join(', ');
    const message = `does nothing on Gateway ${gateway.metadata.name}: port ${numbers} speaks TCP`;
    return [{ rule: 'no-effect', object, field: 'spec.frontend.http', message }];
  });
}
