import { contentOf, type Json, type JsonObject } from '../object.ts';
import { Type } from '../typebox.ts';
import { type FieldError, forbiddenField, invalidValue, requiredValue, tooLong } from '../validation/field-error.ts';
import { isJsonObject } from '../validation/structure.ts';
import { stringMap } from './fields.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';

/** The only type that is of use here. */
const TLS_TYPE = 'kubernetes.io/tls';
const CERTIFICATE = 'tls.crt';
const PRIVATE_KEY = 'tls.key';

/** The most that the values of a Secret may take together, as in Kubernetes. */
const MAX_BYTES = 1_048_576;

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const PEM: Readonly<Record<string, RegExp>> = {
  [CERTIFICATE]: /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/,
  [PRIVATE_KEY]: /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^-]+-----END \1PRIVATE KEY-----/,
};

/** Secrets hold certificates and their keys. No fault of a Secret holds any part of its values. */
export const SECRET: ResourceKind = defineKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  categories: [],
  description: 'Secret holds a certificate and its private key.',
  content: {
    type: Type.Optional(Type.String({ description: 'kubernetes.io/tls; it cannot be changed.', default: 'Opaque' })),
    data: Type.Optional(stringMap('The values in base64: tls.crt and tls.key.')),
    stringData: Type.Optional(stringMap('Values as text; they win over those of data and are kept there.')),
    immutable: Type.Optional(Type.Boolean({ description: 'Whether the values may never change.' })),
  },
  readContent: readSecret,
  selectableFields: { type: (secret) => String(contentOf(secret)['type'] ?? '') },
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.type', description: 'The type of the secret.' },
    {
      name: 'Data',
      type: 'string',
      jsonPath: '.data',
      read: ({ data }) => String(isJsonObject(data) ? Object.keys(data).length : 0),
      description: 'How many values there are.',
    },
  ],
});

function readSecret(
  content: JsonObject,
  before: JsonObject = {},
): { readonly content: JsonObject; readonly errors: readonly FieldError[] } {
  const { stringData, ...kept } = content;
  const encoded = entries(stringData).map(([key, text]): [string, string] => [key, encodeBase64(text)]);
  const data = Object.fromEntries([...entries(content['data']), ...encoded]);
  const secret = { ...kept, data };
  return { content: secret, errors: [...checkSecret(content['type'], data), ...checkChange(secret, before)] };
}

/** What may not change, as in Kubernetes. */
function checkChange(secret: JsonObject, before: JsonObject): readonly FieldError[] {
  const rule = 'field is immutable when `immutable` is set';
  const isFixed = before['immutable'] === true;
  return [
    ...(before['type'] === undefined || secret['type'] === before['type']
      ? []
      : [invalidValue('type', secret['type'] ?? '', 'field is immutable')]),
    ...(isFixed && secret['immutable'] !== true ? [forbiddenField('immutable', rule)] : []),
    ...(isFixed && !sameValues(secret['data'], before['data']) ? [forbiddenField('data', rule)] : []),
  ];
}

function sameValues(a: Json | undefined, b: Json | undefined): boolean {
  const [left, right] = [entries(a), new Map(entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.get(key) === value);
}

function checkSecret(type: Json | undefined, data: { readonly [key: string]: string }): readonly FieldError[] {
  if (type !== TLS_TYPE)
    return [invalidValue('type', type ?? '', `must be ${TLS_TYPE}; other types are not supported`)];
  const values = Object.entries(data);
  const errors = values.flatMap(([key, value]) => [
    ...(KEY.test(key) && key !== '.' && key !== '..' ? [] : [invalidValue(`data[${key}]`, key, KEY_RULE)]),
    ...(BASE64.test(value) ? [] : [hidden(key, 'must be base64')]),
  ]);
  if (values.reduce((bytes, [, value]) => bytes + (value.length * 3) / 4, 0) > MAX_BYTES) {
    errors.push(tooLong('data', MAX_BYTES));
  }
  for (const [key, pattern] of Object.entries(PEM)) {
    const value = data[key];
    if (value === undefined) errors.push(requiredValue(`data[${key}]`));
    else if (BASE64.test(value) && !pattern.test(atob(value))) errors.push(hidden(key, 'must be in PEM'));
  }
  return errors;
}

/** A value that breaks a rule and may not be shown. */
function hidden(key: string, rule: string): FieldError {
  return invalidValue(`data[${key}]`, '<hidden>', rule);
}

function entries(map: Json | undefined): readonly [string, string][] {
  if (!isJsonObject(map)) return [];
  return Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

function encodeBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
