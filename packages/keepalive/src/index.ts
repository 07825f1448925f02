export { ignoreNewConnections } from './ignore-new-connections.ts';
export { type Clock, systemClock } from './ping/clock.ts';
export {
  createPingKeepalive,
  type PingKeepalive,
  type PingKeepaliveOptions,
  type PingSettings,
  type PingTarget,
  type PingWatch,
} from './ping/ping-keepalive.ts';
export { sendNow } from './send.ts';
export { type OpenedPort, openSharedPort } from './shared-port.ts';
export { getSocketError } from './socket-error.ts';
export { socketFd } from './socket-fd.ts';
export {
  describeSocketOptionError,
  type SocketOption,
  type SocketOptionError,
  type SocketOptionResult,
} from './socket-option.ts';
export { getTcpInfo, type TcpInfo, type TcpState } from './tcp-info.ts';
export {
  getTcpKeepalive,
  setTcpKeepalive,
  TCP_KEEPALIVE_LIMITS,
  type TcpKeepaliveOptions,
  type TcpKeepaliveReading,
} from './tcp-keepalive.ts';
export { getUnreadBytes } from './unread-bytes.ts';
