import { SCHEMA_VERSION } from '../chain.ts';
import type { Append } from '../event-log.ts';

/**
 * One message of the stream: the commands that waited in one turn of one writer. `writer` and `number` are its unique
 * id. The writer says which schema version its events have, so that replicas of any version come to the same hashes.
 */
export type Message = {
  readonly writer: string;
  readonly number: number;
  readonly schemaVersion: number;
  readonly commands: readonly Append[];
};

export type Decoded =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** The shape that messages are written in now. 1 did not name the schema version, which was 2. */
const FORMAT = 2;

/** How many bytes a message has besides its commands and the commas between them, at most. */
export const ENVELOPE_BYTES = 128;

export function encodeCommand({ expected, events, idempotencyKey }: Append): string {
  return JSON.stringify({ expected, events, idempotencyKey });
}

/** Puts commands that are encoded already into one message. */
export function encodeMessage(writer: string, number: number, commands: readonly string[]): Uint8Array {
  const id = `"format":${FORMAT},"schemaVersion":${SCHEMA_VERSION},"writer":${JSON.stringify(writer)},"number":${number}`;
  return Buffer.from(`{${id},"commands":[${commands.join(',')}]}`);
}

/** A message that this version cannot read must not be skipped: a newer writer meant something by it. */
export function decodeMessage(data: Uint8Array): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
  if (typeof value !== 'object' || value === null || !('format' in value)) {
    return { kind: 'unreadable', reason: 'it has no format' };
  }
  const message = value.format === 1 ? { ...value, schemaVersion: 2 } : value;
  if (message.format !== 1 && message.format !== FORMAT) {
    return { kind: 'unreadable', reason: `it has format ${String(message.format)}, and this version knows ${FORMAT}` };
  }
  if (!isMessage(message)) return { kind: 'unreadable', reason: 'it has not the parts of a message' };
  if (message.schemaVersion > SCHEMA_VERSION) {
    const reason = `its events have schema version ${message.schemaVersion}, and this version knows ${SCHEMA_VERSION}`;
    return { kind: 'unreadable', reason };
  }
  return { kind: 'message', message };
}

function isMessage(value: object): value is Message {
  return (
    'writer' in value &&
    typeof value.writer === 'string' &&
    'number' in value &&
    Number.isSafeInteger(value.number) &&
    'schemaVersion' in value &&
    Number.isSafeInteger(value.schemaVersion) &&
    'commands' in value &&
    Array.isArray(value.commands) &&
    value.commands.every(isCommand)
  );
}

function isCommand(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'expected' in value && Array.isArray(value.expected) && 'events' in value && Array.isArray(value.events);
}
