import { SCHEMA_VERSION } from '../chain.ts';
import { EVENT_TYPES } from '../event.ts';
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

export function encodeCommand({ expected, contents, events, idempotencyKey }: Append): string {
  return JSON.stringify({ expected, contents, events, idempotencyKey });
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
  if (message.schemaVersion < 1 || message.schemaVersion > SCHEMA_VERSION) {
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
    isWhole(value.number) &&
    'schemaVersion' in value &&
    Number.isSafeInteger(value.schemaVersion) &&
    'commands' in value &&
    Array.isArray(value.commands) &&
    value.commands.every(isCommand)
  );
}

function isCommand(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value['expected']) && Array.isArray(value['events']);
}

/** Throws when a command is not what the log's port takes: whoever wrote it to the stream, it is refused alone. */
export function requireCommand({ expected, contents, events, idempotencyKey }: Append): void {
  const isSound =
    isListOf(expected, ({ ref, version }) => isRef(ref) && isWhole(version)) &&
    (contents === undefined || (isRecord(contents) && isText(contents['namespace']) && isWhole(contents['objects']))) &&
    (idempotencyKey === undefined || isText(idempotencyKey)) &&
    isListOf(events, isEvent);
  if (!isSound) throw new Error('the command has not the parts of a command');
}

/** The log never holds an event that is none, whoever wrote it to the stream. */
function isEvent(event: Readonly<Record<string, unknown>>): boolean {
  const { id, type, subject, object, actor, requestId, correlationId, time, restoredFrom } = event;
  return (
    [id, requestId, correlationId].every(isText) &&
    EVENT_TYPES.some((known) => known === type) &&
    isRef(subject) &&
    isText(subject['uid']) &&
    isRecord(object) &&
    isRecord(object['metadata']) &&
    isRecord(actor) &&
    isText(actor['user']) &&
    isText(actor['via']) &&
    isText(time) &&
    TIME.test(time) &&
    (restoredFrom === undefined || (isRecord(restoredFrom) && isWhole(restoredFrom['seq'])))
  );
}

/** RFC 3339 in UTC with milliseconds, as `Date.toISOString` writes it: such times compare as texts. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function isRef(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && ['group', 'kind', 'namespace', 'name'].every((part) => isText(value[part]));
}

function isListOf(value: unknown, is: (item: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => isRecord(item) && is(item));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Halves of characters would be stored as another text than was hashed. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
