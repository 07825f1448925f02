import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DescEnum, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import protobuf from 'protobufjs';

const GENERATED = fileURLToPath(new URL('gen/envoy/', import.meta.url));
const require = createRequire(import.meta.url);
/** Envoy's own protos, of its API 1.31, as they come with gRPC's xDS client; Google's beside protobufjs. */
const ENVOY_PROTOS = join(dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps');
const ROOTS = [
  ...['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((name) => join(ENVOY_PROTOS, name)),
  dirname(require.resolve('protobufjs/package.json')),
];
/** Fields that are newer than those protos; the tests with an Envoy show that it takes them. */
const NEWER = new Set(['envoy.config.listener.v3.Listener.tcp_keepalive']);

const envoy = await envoysOwn();

describe('what is sent has the names, numbers and types of Envoy', async () => {
  for (const file of await generatedFiles()) {
    for (const message of file.messages) test(message.typeName, () => compare(message));
    for (const type of file.enums) test(type.typeName, () => compareEnum(type));
  }
});

function compare(message: DescMessage): void {
  const original = envoy.lookupType(message.typeName);
  for (const field of message.fields) {
    const name = `${message.typeName}.${field.name}`;
    if (NEWER.has(name)) continue;
    const { id, repeated, type, resolvedType, partOf } =
      original.fields[field.name] ?? assert.fail(`${name} is unknown`);
    assert.deepEqual(
      { name, number: field.number, list: field.fieldKind === 'list', type: typeOf(field), oneof: field.oneof?.name },
      { name, number: id, list: repeated, type: resolvedType?.fullName.slice(1) ?? type, oneof: partOf?.name },
    );
  }
  message.nestedMessages.forEach(compare);
  message.nestedEnums.forEach(compareEnum);
}

function compareEnum(type: DescEnum): void {
  const original = envoy.lookupEnum(type.typeName);
  for (const { name, number } of type.values) assert.equal(original.values[name], number, `${type.typeName}.${name}`);
}

const SCALARS = ['', 'double', 'float', 'int64', 'uint64', 'int32', 'fixed64', 'fixed32', 'bool', 'string'];
SCALARS[12] = 'bytes';
SCALARS[13] = 'uint32';

/** The name of a field's type; of a map's, that of its values. */
function typeOf({ message, enum: type, scalar }: DescField): string | undefined {
  return message?.typeName ?? type?.typeName ?? (scalar && SCALARS[scalar]);
}

async function generatedFiles(): Promise<readonly DescFile[]> {
  const paths = readdirSync(GENERATED, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('_pb.ts'));
  const modules = await Promise.all(paths.map((path) => import(pathToFileURL(join(GENERATED, path)).href)));
  return modules.flatMap((module: Record<string, unknown>) =>
    Object.entries(module).flatMap(([name, value]) => (name.startsWith('file_') ? [value as DescFile] : [])),
  );
}

async function envoysOwn(): Promise<protobuf.Root> {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) =>
    ROOTS.map((folder) => join(folder, target)).find((path) => existsSync(path)) ?? target;
  const files = (await generatedFiles()).map(({ name }) => `${name}.proto`);
  await root.load(files, { keepCase: true });
  root.resolveAll();
  return root;
}
