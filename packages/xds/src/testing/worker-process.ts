import { runAdsClient } from '../grpc/ads-client.ts';
import { ROLE, TYPES } from './served-world.ts';

/** A worker in a process of its own, which can be frozen. Its argument is the port of the control plane. */
const [port = ''] = process.argv.slice(2);
runAdsClient({
  address: `127.0.0.1:${port}`,
  node: { id: 'worker', role: ROLE },
  typeUrl: TYPES['GATEWAY'] ?? '',
  take: () => [],
  onState: () => undefined,
  random: Math.random,
});
