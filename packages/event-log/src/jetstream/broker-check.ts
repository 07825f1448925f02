import type { StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** Older servers sync each message of a replicated stream by itself, and some ignore what they are asked for. */
const OLDEST = [2, 15] as const;
const ANSWERS_WITHIN_MS = 500;

/** What a server says of itself, by its name. */
type Server = { readonly version: string; readonly syncAlways: boolean };

/**
 * Why acknowledged messages could be lost by the servers that hold the stream, one sentence each; none when they are
 * strong. `subject` is where the account imports $SYS.REQ.SERVER.PING.JSZ of the system account.
 */
export async function brokerWeaknesses(
  nc: NatsConnection,
  { cluster }: StreamInfo,
  subject: string,
): Promise<readonly string[]> {
  const weaknesses: string[] = [];
  if (!isRecent(nc.info?.version)) weaknesses.push(tooOld(nc.info?.server_name ?? 'the server', nc.info?.version));
  const holders = [cluster?.leader ?? nc.info?.server_name ?? '', ...(cluster?.replicas ?? []).map(({ name }) => name)];
  const servers = await askServers(nc, subject, holders);
  for (const name of holders) {
    const server = servers.get(name);
    if (server === undefined) {
      weaknesses.push(`whether ${name} has sync_interval: always cannot be asked at ${subject}`);
      continue;
    }
    if (!server.syncAlways) weaknesses.push(`${name} has not sync_interval: always, so a power loss loses writes`);
    if (!isRecent(server.version) && name !== nc.info?.server_name) weaknesses.push(tooOld(name, server.version));
  }
  return weaknesses;
}

/** Every server answers for itself, and nobody says how many there are: so until all that matter did, or time is over. */
async function askServers(
  nc: NatsConnection,
  subject: string,
  holders: readonly string[],
): Promise<ReadonlyMap<string, Server>> {
  const servers = new Map<string, Server>();
  try {
    for await (const answer of await nc.requestMany(subject, '', { strategy: 'timer', maxWait: ANSWERS_WITHIN_MS })) {
      if (answer.data.length === 0) continue;
      const { server, data } = answer.json<{
        readonly server?: { readonly name?: string; readonly ver?: string };
        readonly data?: { readonly config?: { readonly sync_always?: boolean } };
      }>();
      if (server?.name === undefined) continue;
      servers.set(server.name, { version: server.ver ?? '', syncAlways: data?.config?.sync_always === true });
      if (holders.every((name) => servers.has(name))) break;
    }
  } catch {
    // Nobody answers there: the caller names each server that is not known.
  }
  return servers;
}

function isRecent(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function tooOld(name: string, version: string | undefined): string {
  return `${name} is nats-server ${version ?? 'of an unknown version'}, older than ${OLDEST.join('.')}`;
}
