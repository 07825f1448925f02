import type { StoredObject } from '@pulseplane/resources';
import { carriesHttp, carriesTls } from './gateway/port-protocol.ts';
import { type Claim, claimsOf, type ResolvedTargets } from './policy-attachment.ts';
import { portSettings } from './port-settings.ts';
import { isFrontendSection } from './section.ts';
import type { World } from './world/world.ts';

/** A policy that has a section in place of another: on the same target, or on ports of it, which are more specific. */
export type Overrider = { readonly policy: StoredObject; readonly ports: readonly number[] };

/** What became of a section on a target: in force there or somewhere in it, or overridden wherever it could be. */
export type ClaimOutcome = Pick<Claim, 'section' | 'target'> & { readonly overriders: readonly Overrider[] };

/**
 * What became of each section of a policy on each of its targets. For connections that are accepted the ports of a
 * gateway count, as the merge decides them. Connections to backends are judged on the target alone: what is more
 * specific there depends on the routes and backends of each way, of which there may be any number.
 */
export function claimOutcomes(world: World, policy: StoredObject, targets: ResolvedTargets): readonly ClaimOutcome[] {
  return claimsOf(world, policy, targets).map(({ section, target, winner }) => ({
    section,
    target,
    overriders: winner === undefined ? onPorts(world, policy, { section, target }) : [{ policy: winner, ports: [] }],
  }));
}

const PORT_POLICIES = {
  'frontend.tcp': 'tcpPolicy',
  'frontend.http': 'httpPolicy',
  'frontend.tls': 'tlsPolicy',
  'frontend.proxyProtocol': 'proxyProtocolPolicy',
} as const;

/** Those who have every port of a gateway in place of a policy on the whole of it; none when it has one itself. */
function onPorts(world: World, { ref }: StoredObject, { section, target }: Claim): readonly Overrider[] {
  const { object, part } = target;
  if (!isFrontendSection(section) || part.port !== undefined) return [];
  const overriders = new Map<string, { policy: StoredObject; ports: number[] }>();
  for (const settings of portSettings(world, object)) {
    const { port, protocol } = settings;
    if (section === 'frontend.http' && !carriesHttp(protocol)) continue;
    if (section === 'frontend.tls' && !carriesTls(protocol)) continue;
    const policy = settings[PORT_POLICIES[section]];
    if (policy === undefined || policy.ref.name === ref.name) return [];
    const overrider = overriders.get(policy.ref.name) ?? { policy, ports: [] };
    overriders.set(policy.ref.name, overrider);
    overrider.ports.push(port);
  }
  return [...overriders.values()];
}
