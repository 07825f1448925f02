import type { EventLog } from '@pulseplane/event-log';
import { type Finding, findingText, lintAnnotations, lintBackend, lintGateway } from '@pulseplane/lint';
import type { Projection } from '@pulseplane/projection';
import {
  AGENTGATEWAY_BACKEND,
  AGENTGATEWAY_POLICY,
  GATEWAY,
  NAMESPACE,
  type StoredObject,
} from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';
import type { ApiOptions } from '../api-options.ts';
import { MAX_LINTED_GATEWAYS } from '../limits.ts';

/** What is linted: stored objects, or what they would be. */
type Options = Pick<ApiOptions, 'projectionAt'> & { readonly log: Pick<EventLog, 'object' | 'head'> };

/** The kinds that the rules are about. */
export const LINTED_KINDS = [NAMESPACE, GATEWAY, AGENTGATEWAY_POLICY, AGENTGATEWAY_BACKEND];

/** What who writes an object should know of it, and of what it changes around it. The object need not be stored yet. */
export function lintWarnings(options: Options, stored: StoredObject): readonly string[] {
  return lintWritten(options, stored)
    .filter(({ severity, acknowledged }) => severity === 'warning' && !acknowledged)
    .map((finding) => (isAbout(finding, stored) ? '' : `${nameOf(finding)}: `) + findingText(finding));
}

/** What the rules say of an object and of its own annotations; of a gateway, also of the policies in force on it. */
export function lintStored(options: Options, stored: StoredObject): readonly Finding[] {
  const own = lintAnnotations(stored.object);
  switch (stored.ref.kind) {
    case GATEWAY.kind:
      return [...own, ...lintPorts(options, options.projectionAt(options.log.head()), stored)];
    case AGENTGATEWAY_BACKEND.kind:
      return [...own, ...lintWays(options.projectionAt(options.log.head()), stored)];
    default:
      return own;
  }
}

function lintWays(projection: Projection, backend: StoredObject): readonly Finding[] {
  return lintBackend(backend.object, () =>
    projection
      .backendSettings(backend)
      .map(({ tcp, tcpPolicy }) => ({ tcp, ...(tcpPolicy && { tcpPolicy: tcpPolicy.object }) })),
  );
}

function lintWritten(options: Options, stored: StoredObject): readonly Finding[] {
  if (!LINTED_KINDS.some(({ kind }) => kind === stored.ref.kind)) return [];
  if (stored.ref.kind !== AGENTGATEWAY_POLICY.kind) return lintStored(options, stored);
  const projection = options.projectionAt(options.log.head());
  const inForce = projection
    .gatewaysOf(stored)
    .slice(0, MAX_LINTED_GATEWAYS)
    .flatMap((gateway) => lintPorts(options, projection, gateway, stored))
    .filter((finding) => isAbout(finding, stored));
  // Gateways alike have the same to say of the policy.
  const distinct = new Map(inForce.map((finding) => [findingText(finding), finding]));
  return [...lintAnnotations(stored.object), ...distinct.values()];
}

/** `draft` is a policy as it is about to be. */
function lintPorts(
  { log }: Options,
  projection: Projection,
  gateway: StoredObject,
  draft?: StoredObject,
): readonly Finding[] {
  const namespace = log.object(refOf(NAMESPACE, '', gateway.ref.namespace));
  const ports = projection.portSettings(gateway, draft).map(({ tcpPolicy, httpPolicy, tlsPolicy, ...port }) => ({
    ...port,
    ...(tcpPolicy && { tcpPolicy: tcpPolicy.object }),
    ...(httpPolicy && { httpPolicy: httpPolicy.object }),
    ...(tlsPolicy && { tlsPolicy: tlsPolicy.object }),
  }));
  return lintGateway({ gateway: gateway.object, namespace: namespace?.object }, ports);
}

function isAbout({ object }: Finding, { ref }: StoredObject): boolean {
  return object.kind === ref.kind && object.name === ref.name && (object.namespace ?? '') === ref.namespace;
}

function nameOf({ object: { kind, namespace, name } }: Finding): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
