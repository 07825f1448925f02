/** Types of frames (RFC 9113, section 6). */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags; ACK is that of SETTINGS and PING, where END_STREAM means nothing. */
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** RFC 9113, section 6.5.2; RFC 8441, section 3. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

/** RFC 9113, section 7. */
export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;
export type ErrorCode = (typeof ERROR)[keyof typeof ERROR];

/** What a client says first (RFC 9113, section 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FRAME_HEAD_BYTES = 9;
/** Of both windows before any SETTINGS. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** Of HPACK's dynamic tables before any SETTINGS. */
export const DEFAULT_TABLE_BYTES = 4_096;
export const LARGEST_WINDOW_BYTES = 2 ** 31 - 1;
export const SMALLEST_MAX_FRAME_BYTES = 16_384;
export const LARGEST_MAX_FRAME_BYTES = 2 ** 24 - 1;
export const LAST_STREAM_ID = 2 ** 31 - 1;

/** The peer broke a rule that ends the whole connection (RFC 9113, section 5.4.1). */
export class ConnectionError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Of PROTOCOL_ERROR. */
export function broken(rule: string): ConnectionError {
  return new ConnectionError(ERROR.PROTOCOL_ERROR, rule);
}

/** Of FRAME_SIZE_ERROR. */
export function wrongLength(frame: string): ConnectionError {
  return new ConnectionError(ERROR.FRAME_SIZE_ERROR, `a ${frame} frame of a wrong length`);
}
