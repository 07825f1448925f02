import type { StoredObject } from '@pulseplane/resources';
import type { GatewayListener } from '../listener-fault.ts';
import type { Claim } from '../policy-attachment.ts';
import { routesOf } from '../route-attachment.ts';
import { specOf } from '../typed-object.ts';
import type { World } from '../world/world.ts';
import { inShort, type WorkerObservation } from './programmed.ts';

/** A port that some worker cannot open, in words, and whether no connected worker has it open. */
type Unopened = { readonly message: string; readonly everywhere: boolean };

/** What is known of a port that a worker cannot open; undefined when all have it open. */
export function unopenedPort(observation: WorkerObservation, port: number): Unopened | undefined {
  if (observation.kind === 'no-workers') return undefined;
  const failures = observation.portFailures.filter((failure) => failure.port === port);
  if (failures.length === 0) return undefined;
  const workers = failures.map(
    ({ worker, code, address }) => `${worker} (${code} ${address.includes(':') ? `[${address}]` : address}:${port})`,
  );
  return {
    message: `Port ${port} cannot be opened by ${inShort(workers)}`,
    everywhere: failures.length >= observation.workers,
  };
}

/** The listeners whose port some worker cannot open, in words; undefined when there are none. */
export function unopenedListeners(
  listeners: readonly GatewayListener[],
  observation: WorkerObservation,
): string | undefined {
  const said = listeners.flatMap(({ name, port }) => {
    const unopened = unopenedPort(observation, port);
    return unopened === undefined ? [] : [`Listener ${name}: ${unopened.message}`];
  });
  return said.length === 0 ? undefined : said.join('; ');
}

/** Why claims are in force on no port of a gateway, in words; undefined when one of their ports is open somewhere. */
export function withoutOpenPort(
  world: World,
  gateway: StoredObject,
  claims: readonly Claim[],
  observation: WorkerObservation,
): string | undefined {
  if (observation.kind === 'no-workers' || observation.portFailures.length === 0) return undefined;
  const ports = new Set(claims.flatMap(({ target }) => portsOf(world, gateway, target)));
  const unopened = [...ports].map((port) => unopenedPort(observation, port));
  if (ports.size === 0 || !unopened.every((one) => one?.everywhere === true)) return undefined;
  return unopened.map((one) => one?.message).join('; ');
}

/** The ports of a gateway at which a target is reached. */
function portsOf(world: World, gateway: StoredObject, { object, part }: Claim['target']): readonly number[] {
  const { kind, namespace, name } = object.ref;
  if (kind === 'Gateway') {
    return specOf('Gateway', gateway)
      .listeners.filter(
        (listener) =>
          (part.port ?? listener.port) === listener.port && (part.sectionName ?? listener.name) === listener.name,
      )
      .map(({ port }) => port);
  }
  return routesOf(world, gateway).flatMap(({ route, listeners }) => {
    const reaches =
      kind === 'AgentgatewayBackend'
        ? route.ref.namespace === namespace && route.backends.includes(name)
        : route.ref.kind === kind && route.ref.namespace === namespace && route.ref.name === name;
    return reaches ? listeners.map(({ port }) => port) : [];
  });
}
