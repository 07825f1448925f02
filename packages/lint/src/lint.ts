import { carriesHttp, carriesTls } from '@pulseplane/projection/gateway';
import type { KubernetesObject } from '@pulseplane/resources';
import { annotationFaults } from './annotation.ts';
import { type LintedBackend, observeBackend } from './backend-rules.ts';
import { type Finding, type Observation, toFinding } from './finding.ts';
import { type LintedPort, observePort, type Place } from './port-rules.ts';

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

/**
 * What the numbers say of the connections to a backend: findings about it and the policies in force there. Only its own
 * annotations count: they say what it is, and what is before it.
 */
export function lintBackend(backend: KubernetesObject, settings: () => readonly LintedBackend[]): readonly Finding[] {
  return observeBackend(backend, settings).map((observation) => toFinding(observation, [backend]));
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

const OF_PROTOCOLS = [
  { policy: 'httpPolicy', counts: carriesHttp, field: 'spec.frontend.http', lacks: 'HTTP' },
  { policy: 'tlsPolicy', counts: carriesTls, field: 'spec.frontend.tls', lacks: 'TLS' },
] as const;

/** Policies with HTTP or TLS settings that are in force on ports that do not speak it alone. */
function withoutEffect({ gateway }: Place, ports: readonly LintedPort[]): readonly Observation[] {
  return OF_PROTOCOLS.flatMap(({ policy, counts, field, lacks }) => {
    const holders = new Set(ports.flatMap((port) => port[policy] ?? []));
    return [...holders].flatMap((object): readonly Observation[] => {
      const held = ports.filter((port) => port[policy] === object);
      if (held.some(({ protocol }) => counts(protocol))) return [];
      const numbers = held.map(({ port }) => port).join(', ');
      const message = `does nothing on Gateway ${gateway.metadata.name}: port ${numbers} speaks no ${lacks}`;
      return [{ rule: 'no-effect', object, field, message }];
    });
  });
}
