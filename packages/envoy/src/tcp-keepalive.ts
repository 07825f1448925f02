import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SocketKeepalive } from '@pulseplane/projection/gateway';
import type { SocketOptionSchema, TcpKeepaliveSchema } from '@pulseplane/wire/envoy';

export function tcpKeepalive({
  idleSeconds,
  intervalSeconds,
  probes,
}: SocketKeepalive): MessageInitShape<typeof TcpKeepaliveSchema> {
  return { keepaliveTime: idleSeconds, keepaliveInterval: intervalSeconds, keepaliveProbes: probes };
}

const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;

/** The same in Linux' own numbers, for a listener of an Envoy that does not know `tcp_keepalive` there. */
export function keepaliveSocketOptions({
  idleSeconds,
  intervalSeconds,
  probes,
}: SocketKeepalive): MessageInitShape<typeof SocketOptionSchema>[] {
  return [
    option('SO_KEEPALIVE', SOL_SOCKET, 9, 1),
    option('TCP_KEEPIDLE', IPPROTO_TCP, 4, idleSeconds),
    option('TCP_KEEPINTVL', IPPROTO_TCP, 5, intervalSeconds),
    option('TCP_KEEPCNT', IPPROTO_TCP, 6, probes),
  ];
}

function option(
  description: string,
  level: number,
  name: number,
  value: number,
): MessageInitShape<typeof SocketOptionSchema> {
  return {
    description,
    level: BigInt(level),
    name: BigInt(name),
    value: { case: 'intValue', value: BigInt(value) },
  };
}
