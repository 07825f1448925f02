import { connect } from 'node:net';
import { Duplex, Writable } from 'node:stream';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger, RecentLines } from '@pulseplane/telemetry';
import { type Asked, runTunnelClient, type TunnelClient, type WorkerReport } from '@pulseplane/tunnel';
import { logStream } from './log-stream.ts';

export type TunnelOptions = {
  readonly controlPlane: string;
  readonly nodeId: string;
  readonly gateway: GatewayName;
  /** Where the worker's own admin port listens. */
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly lines: RecentLines;
  readonly report: () => WorkerReport;
  readonly logger: Logger;
};

const CONNECT_WITHIN_MS = 5_000;

/**
 * Tells the control plane how this worker is, and lets it read its admin port and its recent log, over connections that
 * the worker opens.
 */
export function openTunnel({ controlPlane, nodeId, gateway, report, logger, ...own }: TunnelOptions): TunnelClient {
  return runTunnelClient({
    address: controlPlane,
    worker: { id: nodeId, role: `${gateway.namespace}~${gateway.name}` },
    random: Math.random,
    report,
    dial: (asked) => dial(asked, own),
    onState: (state) => logger.debug({ controlPlane, ...state }, 'the tunnel to the control plane'),
  });
}

type Own = Pick<TunnelOptions, 'adminAddress' | 'adminPort' | 'lines'>;

function dial(asked: Asked, { adminAddress, adminPort, lines }: Own): Promise<Duplex> {
  switch (asked.kind) {
    case 'admin':
      return connectTo(adminAddress, adminPort);
    case 'log': {
      const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
      return Promise.resolve(Duplex.from({ readable: logStream(lines, asked.query), writable: nothing }));
    }
  }
}

/** A wildcard address is reached through loopback. */
function connectTo(address: string, port: number): Promise<Duplex> {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error('it does not answer')), CONNECT_WITHIN_MS);
    socket.once('error', (error) => reject(new Error(`its admin port cannot be reached: ${error.message}`)));
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
