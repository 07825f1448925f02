import {
  ConnectionError,
  DEFAULT_WINDOW_BYTES,
  ERROR,
  LARGEST_MAX_FRAME_BYTES,
  LARGEST_WINDOW_BYTES,
  SETTING,
  SMALLEST_MAX_FRAME_BYTES,
} from './protocol.ts';

/** What the peer has said of itself, as far as it matters here (RFC 9113, section 6.5.2). */
export type PeerSettings = {
  /** Undefined: not said. */
  readonly headerTableBytes: number | undefined;
  readonly initialWindowBytes: number;
  readonly maxFrameBytes: number;
};

export const DEFAULT_PEER_SETTINGS: PeerSettings = {
  headerTableBytes: undefined,
  initialWindowBytes: DEFAULT_WINDOW_BYTES,
  maxFrameBytes: SMALLEST_MAX_FRAME_BYTES,
};

const ENTRY_BYTES = 6;

/**
 * Former settings with those of a SETTINGS frame. Of one that is named twice the last holds.
 *
 * @throws {ConnectionError}
 */
export function readSettings(former: PeerSettings, payload: Buffer): PeerSettings {
  if (payload.length % ENTRY_BYTES !== 0) {
    throw new ConnectionError(ERROR.FRAME_SIZE_ERROR, 'a SETTINGS frame of a wrong length');
  }
  let { headerTableBytes, initialWindowBytes, maxFrameBytes } = former;
  for (let at = 0; at < payload.length; at += ENTRY_BYTES) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case SETTING.HEADER_TABLE_SIZE:
        // The smallest counts: a table that was cut in between is smaller (RFC 7541, section 4.2).
        headerTableBytes = Math.min(value, headerTableBytes ?? value);
        break;
      case SETTING.ENABLE_PUSH:
      case SETTING.ENABLE_CONNECT_PROTOCOL:
        if (value > 1) throw new ConnectionError(ERROR.PROTOCOL_ERROR, 'a switch that is neither 0 nor 1');
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW_BYTES) throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'a window too large');
        initialWindowBytes = value;
        break;
      case SETTING.MAX_FRAME_SIZE:
        if (value < SMALLEST_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES) {
          throw new ConnectionError(ERROR.PROTOCOL_ERROR, 'a frame size out of bounds');
        }
        maxFrameBytes = value;
        break;
      default:
        // Unknown ones mean nothing, and the others bind a client's own server alone.
        break;
    }
  }
  return { headerTableBytes, initialWindowBytes, maxFrameBytes };
}
