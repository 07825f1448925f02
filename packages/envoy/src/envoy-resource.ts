import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Any, AnySchema, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';

/** A resource as Envoy gets it. Equal configuration gives equal bytes: Envoy drains a Listener of which any changed. */
export type EnvoyResource = {
  readonly typeUrl: string;
  readonly name: string;
  readonly value: Uint8Array;
  /** The names of the gateway resources that it says something of. */
  readonly sources: readonly string[];
};

/** Says that something of a gateway resource, which is named, cannot be told Envoy, and what holds instead. */
export type Say = (source: string, message: string) => void;

/** The type of a message on an xDS stream. */
export function typeUrlOf(schema: DescMessage): string {
  return `type.googleapis.com/${schema.typeName}`;
}

export function encode<Desc extends DescMessage>(
  schema: Desc,
  name: string,
  message: MessageInitShape<Desc>,
  sources: readonly string[],
): EnvoyResource {
  return encoded(schema, name, toBinary(schema, create(schema, message)), sources);
}

/** The same of a message that is encoded already. */
export function encoded(
  schema: DescMessage,
  name: string,
  value: Uint8Array,
  sources: readonly string[],
): EnvoyResource {
  return { typeUrl: typeUrlOf(schema), name, value, sources: [...new Set(sources)].sort() };
}

/** A message with more of a repeated field at its end, whose messages are encoded already. */
export function withEncoded<Desc extends DescMessage>(
  schema: Desc,
  message: MessageInitShape<Desc>,
  field: keyof Desc['field'],
  all: readonly Uint8Array[],
): Uint8Array {
  const writer = new BinaryWriter().raw(toBinary(schema, create(schema, message)));
  const { number } = schema.field[field as string] ?? {};
  if (number === undefined) throw new TypeError(`${schema.typeName} has no field ${String(field)}`);
  for (const bytes of all) writer.tag(number, WireType.LengthDelimited).bytes(bytes);
  return writer.finish();
}

/** A message as the configuration of an extension. */
export function pack<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Any {
  return create(AnySchema, { typeUrl: typeUrlOf(schema), value: toBinary(schema, create(schema, message)) });
}

export function duration(milliseconds: number): Duration {
  const nanos = (milliseconds % 1000) * 1_000_000;
  return create(DurationSchema, { seconds: BigInt(Math.trunc(milliseconds / 1000)), nanos });
}
