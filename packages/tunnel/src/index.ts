export type { Asked, LogQuery } from './asked.ts';
export { runTunnelClient, type TunnelClient, type TunnelClientOptions, type TunnelState } from './tunnel-client.ts';
export { createTunnelServer, type Opened, type TunnelServer, type WorkerName } from './tunnel-server.ts';
export type { ConfigurationReport, ConnectionCounts, WorkerCounts } from './worker-counts.ts';
export type { PortState, WorkerReport } from './worker-report.ts';
