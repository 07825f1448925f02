import type { Json, JsonObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';

/** The type of the bodies that kubectl's typed commands send (`kubectl create namespace`). */
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

type Field = { readonly number: number; readonly bytes: Uint8Array; readonly value?: number };

/** The fields of a message by name: the number of a text, or the number of a message and what is in it. */
export type Shape = { readonly [name: string]: number | readonly [number: number, shape: Shape] };

/** Reads a Namespace. */
export function parseProtobufNamespace(body: Uint8Array): Result<JsonObject, string> {
  return parseEnvelope(body, (object) => ({ metadata: readMetadata(first(readFields(object), 1)) }));
}

/** Reads a Secret, whose values are bytes here. */
export function parseProtobufSecret(body: Uint8Array): Result<JsonObject, string> {
  return parseEnvelope(body, (object) => {
    const fields = readFields(object);
    const type = text(fields, 3);
    return {
      metadata: readMetadata(first(fields, 1)),
      data: readMap(fields, 2, (bytes) => Buffer.from(bytes).toString('base64')),
      stringData: readMap(fields, 4),
      ...(type !== '' && { type }),
      ...(fields.some(({ number, value }) => number === 5 && value === 1) && { immutable: true }),
    };
  });
}

/** Reads an object of which only texts are of interest. Those that are empty or absent are left out. */
export function parseProtobuf(body: Uint8Array, shape: Shape): Result<JsonObject, string> {
  return parseEnvelope(body, (object) => readMessage(object, shape));
}

/** Kubernetes' protobuf envelope: Unknown{1: {1: apiVersion, 2: kind}, 2: object}. */
function parseEnvelope(body: Uint8Array, readContent: (object: Uint8Array) => JsonObject): Result<JsonObject, string> {
  if (!MAGIC.every((byte, index) => body[index] === byte)) return fail('the body is not Kubernetes protobuf');
  try {
    const envelope = readFields(body.subarray(MAGIC.length));
    const type = readFields(first(envelope, 1));
    return ok({ apiVersion: text(type, 1), kind: text(type, 2), ...readContent(first(envelope, 2)) });
  } catch (error) {
    return fail(`the body is not Kubernetes protobuf: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readMessage(message: Uint8Array, shape: Shape): JsonObject {
  const fields = readFields(message);
  const entries = Object.entries(shape).flatMap(([name, of]): [string, Json][] => {
    if (typeof of === 'number') return text(fields, of) === '' ? [] : [[name, text(fields, of)]];
    const [number, inner] = of;
    return fields.some((field) => field.number === number) ? [[name, readMessage(first(fields, number), inner)]] : [];
  });
  return Object.fromEntries(entries);
}

function readMetadata(bytes: Uint8Array): JsonObject {
  const fields = readFields(bytes);
  return {
    name: text(fields, 1),
    generateName: text(fields, 2),
    namespace: text(fields, 3),
    uid: text(fields, 5),
    resourceVersion: text(fields, 6),
    labels: readMap(fields, 11),
    annotations: readMap(fields, 12),
    finalizers: fields.filter(({ number }) => number === 14).map(({ bytes: name }) => decode(name)),
  };
}

function readMap(fields: readonly Field[], number: number, read: (bytes: Uint8Array) => string = decode): JsonObject {
  const entries = fields
    .filter((field) => field.number === number)
    .map(({ bytes }): [string, Json] => {
      const entry = readFields(bytes);
      return [text(entry, 1), read(first(entry, 2))];
    });
  return Object.fromEntries(entries);
}

/** The fields of a message, but for numbers of a fixed length, which are of no interest here. */
function readFields(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('it ends within a number');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number is too long');
  };
  const skip = (length: number): Uint8Array => {
    if (at + length > message.length) throw new Error('it ends within a field');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag % 8;
    if (wireType === BYTES) fields.push({ number: Math.floor(tag / 8), bytes: skip(varint()) });
    else if (wireType === VARINT)
      fields.push({ number: Math.floor(tag / 8), bytes: new Uint8Array(), value: varint() });
    else if (wireType === FIXED64) skip(8);
    else if (wireType === FIXED32) skip(4);
    else throw new Error(`wire type ${wireType} is unknown`);
  }
  return fields;
}

function first(fields: readonly Field[], number: number): Uint8Array {
  return fields.find((field) => field.number === number)?.bytes ?? new Uint8Array();
}

function text(fields: readonly Field[], number: number): string {
  return decode(first(fields, number));
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
