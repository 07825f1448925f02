import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
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
  const value = toBinary(schema, create(schema, message));
  return { typeUrl: typeUrlOf(schema), name, value, sources: [...new Set(sources)].sort() };
}

/** A message as the configuration of an extension. */
export function pack<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Any {
  return create(AnySchema, { typeUrl: typeUrlOf(schema), value: toBinary(schema, create(schema, message)) });
}

export function duration(milliseconds: number): Duration {
  const nanos = (milliseconds % 1000) * 1_000_000;
  return create(DurationSchema, { seconds: BigInt(Math.trunc(milliseconds / 1000)), nanos });
}
