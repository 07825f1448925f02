/** The largest request body. */
export const BODY_LIMIT_BYTES = 1_048_576;

/** How deep objects and lists of a body may be nested. */
export const MAX_DEPTH = 64;

/** How many values a body may have in all, with YAML aliases written out. */
export const MAX_NODES = 200_000;

/** How many operations a JSON patch may have, as in Kubernetes. */
export const MAX_PATCH_OPERATIONS = 10_000;

/** How long a client may take to send a request. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** How many warnings go into one answer, and how long each may be. */
export const MAX_WARNINGS = 20;
export const MAX_WARNING_LENGTH = 512;

/** On how many gateways a written policy is linted before its writer is answered; the report has all. */
export const MAX_LINTED_GATEWAYS = 16;

/** How many findings a lint report shows. */
export const MAX_FINDINGS = 1_000;

/** How many objects one request deletes from a collection. */
export const MAX_DELETED = 500;

/** How many objects a preview takes, and on how many of the gateways that they reach it compares configurations. */
export const MAX_PREVIEWED_OBJECTS = 100;
export const MAX_PREVIEWED_GATEWAYS = 64;

/** How many watches and event streams may be open at once, in all and of one client (an IP address). */
export const MAX_STREAMS = 1_000;
export const MAX_STREAMS_OF_CLIENT = 250;

/** How long an open stream waits for its client to read before it gives up on it. */
export const STREAM_STALL_MS = 30_000;

/** How long the end of a stream may take to reach its client. */
export const STREAM_END_MS = 1_000;

/** How many events of the log a stream reads, and holds, at a time. */
export const STREAM_PAGE_SIZE = 64;

/** The longest watch; one that names no time lasts between half of it and all of it, so that they end apart. */
export const MAX_WATCH_SECONDS = 3_600;

/** How often a watch that asked for bookmarks gets one. */
export const BOOKMARK_INTERVAL_MS = 30_000;

/** How often an event stream gets a heartbeat. */
export const HEARTBEAT_INTERVAL_MS = 15_000;
