import { getBytes, type SocketOptionResult } from './socket-option.ts';

const STATES = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;

export type TcpState = (typeof STATES)[number];

/** What the kernel knows about one connection. Times since an event are whole milliseconds, the RTT has fractions. */
export type TcpInfo = {
  readonly state: TcpState;
  /** Retransmissions of the segment that waits now. */
  readonly retransmits: number;
  /** Probes (keepalive or zero window) sent and not answered. */
  readonly unansweredProbes: number;
  readonly unackedSegments: number;
  readonly lastDataSentMs: number;
  readonly lastDataReceivedMs: number;
  readonly lastAckReceivedMs: number;
  readonly rttMs: number;
  readonly rttVarianceMs: number;
  readonly totalRetransmits: number;
  /** Payload that the peer acknowledged, and 1 where this side connected, for its SYN; undefined before Linux 4.1. */
  readonly bytesAcked: number | undefined;
  /** Payload that came from the peer; undefined before Linux 4.1. */
  readonly bytesReceived: number | undefined;
  /** Payload that was not sent yet, for want of a window mostly; undefined before Linux 4.6. */
  readonly notSentBytes: number | undefined;
};

/** The part of `struct tcp_info` that every Linux since 2.6 has. */
const NEEDED_BYTES = 104;
const WITH_BYTE_COUNTS = 136;
const WITH_NOT_SENT = 148;
/** The kernel counts the end of a side as a byte of it. Where both have ended, it is not known any more. */
const END_ACKED: ReadonlySet<TcpState> = new Set(['FIN_WAIT2']);
const END_RECEIVED: ReadonlySet<TcpState> = new Set(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);
const INFO = Buffer.alloc(256);

/** Reads and decodes TCP_INFO of an open socket. */
export function getTcpInfo(fd: number): SocketOptionResult<TcpInfo> {
  const read = getBytes(fd, 'TCP_INFO', INFO);
  if (!read.ok) return read;
  if (read.value < NEEDED_BYTES) {
    return { ok: false, error: { kind: 'unsupported', reason: `TCP_INFO has only ${read.value} bytes here` } };
  }
  const state = STATES[INFO.readUInt8(0)] ?? 'UNKNOWN';
  return {
    ok: true,
    value: {
      state,
      retransmits: INFO.readUInt8(2),
      unansweredProbes: INFO.readUInt8(3),
      unackedSegments: INFO.readUInt32LE(24),
      lastDataSentMs: INFO.readUInt32LE(44),
      lastDataReceivedMs: INFO.readUInt32LE(52),
      lastAckReceivedMs: INFO.readUInt32LE(56),
      rttMs: INFO.readUInt32LE(68) / 1000,
      rttVarianceMs: INFO.readUInt32LE(72) / 1000,
      totalRetransmits: INFO.readUInt32LE(100),
      bytesAcked: read.value < WITH_BYTE_COUNTS ? undefined : payload(120, END_ACKED.has(state)),
      bytesReceived: read.value < WITH_BYTE_COUNTS ? undefined : payload(128, END_RECEIVED.has(state)),
      notSentBytes: read.value < WITH_NOT_SENT ? undefined : INFO.readUInt32LE(144),
    },
  };
}

function payload(offset: number, hasEnd: boolean): number {
  return Number(INFO.readBigUInt64LE(offset)) - (hasEnd ? 1 : 0);
}
