import { isIP } from 'node:net';
import { ENVOY_TYPE_URLS, type EnvoyClient, toEnvoy, toGrpc } from '@pulseplane/envoy';
import type { NodeIdentity } from '@pulseplane/xds';
import type { Translation } from './translation.ts';

/** Which of the resources of Envoy's types a client can take. */
type Client = { readonly kind: 'envoy'; readonly envoy: EnvoyClient } | { readonly kind: 'grpc' };

const LOOPBACK = '127.0.0.1';

/** Envoys' and gRPC clients': made of the settings in force, for what each is. */
export function envoyTranslation(): Translation {
  return {
    typeUrls: ENVOY_TYPE_URLS,
    variantOf: (node) => JSON.stringify(clientOf(node)),
    translate: (gateway, resources, variant) => {
      // What variantOf has written.
      const client = JSON.parse(variant) as Client;
      return client.kind === 'grpc' ? toGrpc(gateway, resources) : toEnvoy(gateway, resources, client.envoy).resources;
    },
  };
}

/** Whether a client opens ports of its own. */
export function isEnvoy({ userAgent }: NodeIdentity): boolean {
  return userAgent?.startsWith('envoy') === true;
}

/** gRPC's clients call themselves `gRPC Node Pure JS`, `grpc-go` and the like; whoever else asks is an Envoy. */
function clientOf({ userAgent = '', listenAddress = LOOPBACK }: NodeIdentity): Client {
  if (/^grpc/i.test(userAgent)) return { kind: 'grpc' };
  const [, major, minor] = /^envoy (\d+)\.(\d+)/.exec(userAgent) ?? [];
  const isOld = major !== undefined && (Number(major) < 1 || (Number(major) === 1 && Number(minor) < 37));
  return {
    kind: 'envoy',
    envoy: {
      listenAddress: isIP(listenAddress) === 0 ? LOOPBACK : listenAddress,
      listenerKeepalive: isOld ? 'socket-options' : 'field',
    },
  };
}
