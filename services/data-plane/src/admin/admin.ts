import type { Registry } from 'prom-client';
import type { Connection } from '../connection/connection.ts';
import type { Tables } from '../tables/tables.ts';
import type { UpstreamConnection } from '../upstream/upstream-connection.ts';
import { configDump, type DumpContext } from './config-dump.ts';
import { connectionsFilter } from './connections-filter.ts';
import { connectionsPage } from './connections-page.ts';
import { createEndpoint, json, type Page, text } from './endpoint.ts';
import type { Readiness } from './readiness.ts';

export type AdminOptions = {
  readonly address: string;
  readonly ports: { readonly admin: number; readonly metrics: number; readonly readiness: number };
  readonly hosts: readonly string[];
  /** Ends the worker as SIGTERM does. */
  quit(): void;
  tables(): Tables;
  connections(): Iterable<Connection>;
  upstreams(): Iterable<UpstreamConnection>;
  dump(): DumpContext;
  readonly registry: Registry;
  readonly readiness: Readiness;
};

/** The worker's own ports: what it holds, what it counts, whether it is ready. */
export type Admin = {
  /** Opens all or none; rejects with an `EndpointListenError`. */
  listen(): Promise<void>;
  portsInUse(): { readonly admin: number; readonly metrics: number; readonly readiness: number };
  close(): Promise<void>;
};

export function createAdmin(options: AdminOptions): Admin {
  const { address, ports, hosts, registry } = options;
  const metricsPage = async (): Promise<Page> => ({
    status: 200,
    contentType: registry.contentType,
    body: await registry.metrics(),
  });
  const admin = createEndpoint({
    part: 'admin',
    address,
    port: ports.admin,
    hosts,
    pages: {
      '/config_dump': () => json(configDump(options.tables(), options.dump())),
      '/connections': async (query) => {
        const filter = connectionsFilter(query);
        if (filter.kind === 'refused') return text(400, filter.reason);
        return json(await connectionsPage(options.connections(), options.upstreams(), filter.matches));
      },
      '/healthz': () => text(200, 'ok'),
    },
    actions: {
      '/quitquitquit': () => {
        options.quit();
        return text(200, 'shutting down');
      },
    },
  });
  const metrics = createEndpoint({
    part: 'metrics',
    address,
    port: ports.metrics,
    hosts,
    pages: { '/metrics': metricsPage, '/stats/prometheus': metricsPage },
  });
  const readiness = createEndpoint({
    part: 'readiness',
    address,
    port: ports.readiness,
    hosts,
    pages: { '/healthz/ready': () => options.readiness.page() },
  });
  const all = [admin, metrics, readiness];

  return {
    async listen() {
      try {
        for (const endpoint of all) await endpoint.listen();
      } catch (error) {
        await Promise.all(all.map((endpoint) => endpoint.close()));
        throw error;
      }
    },
    portsInUse: () => ({ admin: admin.port(), metrics: metrics.port(), readiness: readiness.port() }),
    close: async () => {
      await Promise.all(all.map((endpoint) => endpoint.close()));
    },
  };
}
