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
export const MAX_WARNING_LENGTH = 256;
