import {
  BOOKMARK_INTERVAL_MS,
  HEARTBEAT_INTERVAL_MS,
  MAX_STREAMS,
  MAX_STREAMS_OF_CLIENT,
  MAX_WATCH_SECONDS,
  STREAM_END_MS,
  STREAM_STALL_MS,
} from '../limits.ts';

/** What open streams may take. */
export type StreamLimits = {
  readonly maxStreams: number;
  readonly maxStreamsOfClient: number;
  readonly stallMs: number;
  readonly endMs: number;
  readonly maxWatchSeconds: number;
  readonly bookmarkMs: number;
  readonly heartbeatMs: number;
};

/** The limits where nobody says otherwise. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxStreams: MAX_STREAMS,
  maxStreamsOfClient: MAX_STREAMS_OF_CLIENT,
  stallMs: STREAM_STALL_MS,
  endMs: STREAM_END_MS,
  maxWatchSeconds: MAX_WATCH_SECONDS,
  bookmarkMs: BOOKMARK_INTERVAL_MS,
  heartbeatMs: HEARTBEAT_INTERVAL_MS,
};
