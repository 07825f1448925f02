import type { GatewayParts, Projection, Touched } from '@pulseplane/projection';
import { type GatewayName, type GatewayResource, pathName, resourceName } from '@pulseplane/projection/gateway';
import type { Json } from '@pulseplane/resources';
import { effectiveBackends, effectivePorts } from '../history/effective-handler.ts';
import { type Change, diffJson } from '../history/json-diff.ts';

/** A gateway's parts as they would be. */
export type DraftParts = { readonly gateway: GatewayName; readonly parts: GatewayParts };

/** The gateways that are touched, each once, in the order of their names; those above a limit are counted only. */
export function touchedGateways(
  touched: readonly Touched[],
  limit: number,
): { readonly gateways: readonly GatewayName[]; readonly others: number } {
  const distinct = new Map(
    touched.map(({ gateway: { namespace, name } }) => [`${namespace}/${name}`, { namespace, name }]),
  );
  const gateways = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gateway]) => gateway);
  return { gateways: gateways.slice(0, limit), others: Math.max(gateways.length - limit, 0) };
}

/**
 * How the configuration of a gateway, and the settings in force on its ports, would change. Parts that nothing touches
 * are neither made nor compared twice.
 */
export function gatewayChanges(
  projection: Projection,
  touched: readonly Touched[],
  { gateway, parts: after }: DraftParts,
): readonly Change[] {
  const before = projection.gatewayParts(gateway, untouched(after, gateway, touched));
  return diffJson(effective(gateway, before, after), effective(gateway, after, before));
}

const PORT = /^ports\["(\d+)"\]/;

/** The ports whose settings in force change: what is open there gets them live. */
export function changedPorts(changes: readonly Change[]): readonly number[] {
  const ports = changes.flatMap(({ path }) => PORT.exec(path)?.slice(1) ?? []);
  return [...new Set(ports)].map(Number);
}

function untouched(parts: GatewayParts, { namespace, name }: GatewayName, touched: readonly Touched[]): GatewayParts {
  const known = new Map(parts);
  for (const { gateway, part } of touched) {
    if (gateway.namespace !== namespace || gateway.name !== name) continue;
    if (part === undefined) return new Map();
    known.delete(part);
  }
  return known;
}

/**
 * The ports and the ways to backends with their settings, and the resources of the parts that the other side does not
 * share. A way leads through several parts, so all are looked at.
 */
function effective(gateway: GatewayName, parts: GatewayParts, other: GatewayParts): Json | undefined {
  const changed = [...parts].flatMap(([key, part]) => (other.get(key) === part ? [] : part));
  if (changed.length === 0) return undefined;
  const ports = effectivePorts(gateway, changed).map(({ port, ...settings }): [string, Json] => [`${port}`, settings]);
  const backends = effectiveBackends([...parts.values()].flat()).map(({ path, tcp, http }): [string, Json] => [
    pathName(path),
    { tcp, http },
  ]);
  const resources = changed.map((resource): [string, Json] => [resourceName(resource), contentOf(resource)]);
  return {
    ...(ports.length > 0 && { ports: Object.fromEntries(ports) }),
    ...(backends.length > 0 && { backends: Object.fromEntries(backends) }),
    resources: Object.fromEntries(resources),
  };
}

/** A resource as JSON has it, which hides private keys, without what its name says. */
function contentOf({ kind: _, key: __, ...content }: GatewayResource): Json {
  return JSON.parse(JSON.stringify(content)) as Json;
}
