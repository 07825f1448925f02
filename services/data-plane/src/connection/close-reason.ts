/** Why a connection ended. The same words in the log, the metrics and the admin pages. */
export const CLOSE_REASONS = [
  /** The kernel gave up after unanswered probes. */
  'keepalive_timeout',
  /** No ACK of an HTTP/2 PING in time. */
  'ping_timeout',
  /** No request on an HTTP/1 connection within the idle timeout. */
  'idle_timeout',
  /** The first bytes began and did not go on in time. */
  'first_byte_timeout',
  /** The client took nothing of an answer that waits for it. */
  'send_timeout',
  /** No PROXY header came, though a policy asks for one, or one that is none. */
  'proxy_header',
  /** The TLS handshake was not done in time. */
  'handshake_timeout',
  /** Client and worker could not agree in the TLS handshake. */
  'tls_handshake',
  /** The policy's maxConnectionDuration is over. */
  'max_duration',
  /** The client closed or reset it. */
  'peer',
  /** The client broke the protocol. */
  'protocol_error',
  /** The client sent more PINGs, SETTINGS or resets over HTTP/2 than one may. */
  'flood',
  /** The upstream closed it, broke it off or could not be reached. */
  'upstream',
  /** A TCP or TLS listener has nothing to send the connection to. */
  'no_route',
  /** No listener or route of the port serves the server name (SNI) that the client asks for, or clients without one. */
  'unknown_server_name',
  /** The worker stops. */
  'drain',
  /** The port is no longer configured. */
  'listener_removed',
  /** Anything else; the log has the error. */
  'error',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

const DEAD_PEER = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
const PEER_GONE = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/**
 * The reason that a socket error stands for. While the kernel probes, a timeout or an unreachable host is how it
 * reports that the probes went unanswered.
 */
export function reasonOfError(error: Error, keepaliveArmed: boolean): CloseReason {
  const code = 'code' in error ? String(error.code) : '';
  if (DEAD_PEER.has(code)) return keepaliveArmed ? 'keepalive_timeout' : 'error';
  if (PEER_GONE.has(code)) return 'peer';
  return 'error';
}
