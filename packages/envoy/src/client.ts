/** What an Envoy is, as far as it decides what it gets. */
export type EnvoyClient = {
  /** IP address that the ports are opened on. */
  readonly listenAddress: string;
  /** How TCP keepalive is told a listener. An Envoy older than 1.37 takes `tcp_keepalive` there and does nothing. */
  readonly listenerKeepalive: 'field' | 'socket-options';
};
