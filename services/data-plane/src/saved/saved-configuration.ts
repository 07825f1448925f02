import { createHash } from 'node:crypto';
import type { GatewayName } from '@pulseplane/projection/gateway';

/** A resource as it was accepted: its version and its bytes, by xDS resource name. */
export type AcceptedResources = ReadonlyMap<string, { readonly version: string; readonly body: Uint8Array }>;

/** The last configuration that a worker accepted. */
export type SavedConfiguration = {
  readonly gateway: GatewayName;
  /** When the control plane said last that this is the configuration. */
  readonly acceptedAt: Date;
  readonly resources: AcceptedResources;
};

/** What a file holds, or why it is not used. */
export type Decoded =
  | { readonly kind: 'decoded'; readonly saved: SavedConfiguration }
  | { readonly kind: 'unusable'; readonly reason: string };

const MAGIC = 'pulseplane-worker-configuration';
/** Of the file's own form. The resources in it are agentgateway's messages, checked as those that come over xDS. */
const SCHEMA = 1;

/**
 * The lines of a file: what it is and its schema, a JSON object about the whole, one for each resource, and the checksum
 * of all before it. Lines, so that a large configuration can be written piece by piece.
 */
export function* encodeSaved({ gateway, acceptedAt, resources }: SavedConfiguration): Generator<string> {
  const hash = createHash('sha256');
  const line = (text: string): string => {
    hash.update(`${text}\n`);
    return `${text}\n`;
  };
  yield line(`${MAGIC} ${SCHEMA}`);
  yield line(JSON.stringify({ gateway: nameOf(gateway), acceptedAt: acceptedAt.toISOString() }));
  for (const [name, { version, body }] of resources) {
    yield line(JSON.stringify({ name, version, body: Buffer.from(body).toString('base64') }));
  }
  yield `sha256 ${hash.digest('hex')}\n`;
}

/** Reads a file that was written for `gateway`. Nothing of one that is not whole is used. */
export function decodeSaved(bytes: Buffer, gateway: GatewayName): Decoded {
  const schema = new RegExp(`^${MAGIC} (\\d{1,9})\n`).exec(bytes.toString('latin1', 0, MAGIC.length + 11))?.[1];
  if (schema === undefined) return unusable('it is not a configuration of a worker');
  if (Number(schema) !== SCHEMA) return unusable(`its schema is ${schema}, and this worker reads ${SCHEMA}`);
  const end = bytes.lastIndexOf('sha256 ');
  const checksum = /^sha256 ([0-9a-f]{64})\n$/.exec(end < 0 ? '' : bytes.toString('latin1', end))?.[1];
  if (checksum === undefined) return unusable('it is cut off');
  if (createHash('sha256').update(bytes.subarray(0, end)).digest('hex') !== checksum) {
    return unusable('its checksum does not match what it holds');
  }
  // From here on it is what was written, so that only another worker's mistake makes it unreadable.
  try {
    const [, head = '', ...lines] = bytes.toString('utf8', 0, end).trimEnd().split('\n');
    return read(head, lines, gateway);
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

function read(head: string, lines: readonly string[], gateway: GatewayName): Decoded {
  const about = JSON.parse(head) as { readonly gateway: string; readonly acceptedAt: string };
  if (about.gateway !== nameOf(gateway)) return unusable(`it is of the gateway ${about.gateway}`);
  const acceptedAt = new Date(about.acceptedAt);
  if (Number.isNaN(acceptedAt.getTime())) return unusable('it does not say when it was accepted');
  const resources = lines.map((line): [string, { version: string; body: Uint8Array }] => {
    const { name, version, body } = JSON.parse(line) as Readonly<Record<'name' | 'version' | 'body', string>>;
    return [name, { version, body: Buffer.from(body, 'base64') }];
  });
  return { kind: 'decoded', saved: { gateway, acceptedAt, resources: new Map(resources) } };
}

function nameOf({ namespace, name }: GatewayName): string {
  return `${namespace}/${name}`;
}

function unusable(reason: string): Decoded {
  return { kind: 'unusable', reason };
}
