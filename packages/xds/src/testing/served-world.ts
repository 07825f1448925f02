import type { TestContext } from 'node:test';
import { createDiscoveryServer, type DiscoveryServerOptions } from '../grpc/discovery-server.ts';
import type { DiscoveryStream } from '../grpc/discovery-stream.ts';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL } from '../protocol/resource-types.ts';
import { NO_RESOURCES, type ResourceSet } from '../protocol/resources.ts';
import type { ServerOutput } from '../protocol/server-step.ts';

export const ROLE = 'ns~gw';

/** Types by a short name. FENCE is one of the tests' own: see {@link RawStream.quiet}. */
export const TYPES: Readonly<Record<string, string>> = {
  CDS: CLUSTER_TYPE_URL,
  EDS: ENDPOINT_TYPE_URL,
  LDS: LISTENER_TYPE_URL,
  RDS: ROUTE_TYPE_URL,
  GATEWAY: 'type.googleapis.com/agentgateway.dev.resource.Resource',
  FENCE: 'type.googleapis.com/test.Fence',
};

/** Resources by type and name; a resource is its version. */
export type World = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A resource's body holds its name and version, because state of the world says neither. `?` ends the name of one on demand. */
export function resourcesOf(versions: Readonly<Record<string, string>>): ResourceSet {
  return new Map(
    Object.entries(versions).map(([key, version]) => {
      const name = key.replace(/\?$/, '');
      const body = Buffer.from(`${name}@${version}`);
      return [name, { name, version, body, ...(name !== key && { onDemand: true as const }) }];
    }),
  );
}

const FENCES = resourcesOf(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, '1'])));

/** A server on a loopback port, with what each role may see, which the test changes. */
export async function serveWorld(
  context: TestContext,
  options: Pick<DiscoveryServerOptions, 'limits' | 'maxConnectionAgeMs'> & { readonly identifier?: string } = {},
) {
  const worlds = new Map<string, Map<string, ResourceSet>>();
  const watchers = new Map<string, Set<() => void>>();
  const outputs: { readonly stream: number; readonly output: ServerOutput; readonly bytes: number }[] = [];
  const live = new Map<number, DiscoveryStream>();
  const refusals: string[] = [];
  const server = createDiscoveryServer({
    identifier: 'test',
    ...options,
    source: {
      resources: ({ role }, typeUrl) =>
        typeUrl === TYPES['FENCE'] ? FENCES : (worlds.get(role)?.get(typeUrl) ?? NO_RESOURCES),
      watch: ({ role }, changed) => {
        const known = watchers.get(role) ?? new Set();
        watchers.set(role, known.add(changed));
        return () => {
          known.delete(changed);
          if (known.size === 0) watchers.delete(role);
        };
      },
    },
    observer: {
      opened: (stream) => live.set(stream.id, stream),
      requested: () => undefined,
      output: ({ id }, output, bytes) => outputs.push({ stream: id, output, bytes }),
      refused: (_stream, rule, reason) => refusals.push(`${rule}: ${reason}`),
      closed: ({ id }) => live.delete(id),
    },
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await server.close();
  };
  context.after(close);
  return {
    port: await server.listen('127.0.0.1', 0),
    /** What was sent and what became known, without the fences. */
    outputs: () =>
      outputs.filter(({ output }) => !('response' in output && output.response.typeUrl === TYPES['FENCE'])),
    live,
    refusals,
    watchers,
    close,
    /** Types that are left out stay as they are. */
    publish: (world: World, role = ROLE) => {
      const known = worlds.get(role) ?? new Map<string, ResourceSet>();
      worlds.set(role, known);
      for (const [short, versions] of Object.entries(world)) known.set(TYPES[short] ?? short, resourcesOf(versions));
      for (const changed of watchers.get(role) ?? []) changed();
    },
  };
}
