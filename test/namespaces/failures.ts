import type { Peer, Script } from './network.ts';

/** A way in which a peer goes. */
export type Failure = {
  readonly name: string;
  /** What the network's own silence means, an answer of somebody in between, or nothing but the program's end or rest. */
  readonly kind: 'silence' | 'reset' | 'frozen' | 'killed';
  readonly behindNat?: boolean;
  happen(peer: Peer, script: Script): void;
};

/** All of them are things that happen to people. */
export const FAILURES: readonly Failure[] = [
  { name: 'its link is cut', kind: 'silence', happen: (peer) => peer.cutCable() },
  { name: 'nothing reaches it any more', kind: 'silence', happen: (peer) => peer.dropPackets('in') },
  { name: 'nothing that it sends arrives any more', kind: 'silence', happen: (peer) => peer.dropPackets('out') },
  {
    name: 'a NAT forgets it and drops what follows',
    kind: 'silence',
    behindNat: true,
    happen: (peer) => peer.forgetConnections('silent'),
  },
  {
    name: 'a NAT forgets it and resets what follows',
    kind: 'reset',
    behindNat: true,
    happen: (peer) => peer.forgetConnections('reset'),
  },
  { name: 'it is frozen', kind: 'frozen', happen: (_peer, script) => script.signal('SIGSTOP') },
  { name: 'it is killed', kind: 'killed', happen: (_peer, script) => script.signal('SIGKILL') },
];

export const TCP = { timeMs: 2_000, intervalMs: 1_000, retries: 3 };
/** Idle time and three probes a second apart. */
export const TCP_LIMIT_MS = TCP.timeMs + TCP.intervalMs * TCP.retries;
export const PING = { http2KeepaliveIntervalMs: 2_000, http2KeepaliveTimeoutMs: 1_000 };
export const PING_LIMIT_MS = PING.http2KeepaliveIntervalMs + PING.http2KeepaliveTimeoutMs;
/** How much later than configured is still in time. */
export const WITHIN_MS = 1_000;
