import type { Json } from '../object.ts';

/** The reasons of Kubernetes' field errors. */
export type FieldErrorReason =
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueRequired'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid';

/** One fault of an object: what `details.causes` of a Status holds, and what kubectl prints. */
export type FieldError = { readonly reason: FieldErrorReason; readonly message: string; readonly field: string };

/** A value that breaks a rule. The value is printed as Go prints it: strings in quotes. */
export function invalidValue(field: string, value: Json, rule: string): FieldError {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${asGo(value)}: ${rule}`, field };
}

/** Go writes control characters in two digits, and two of them as letters. */
function asGo(value: Json): string {
  return JSON.stringify(value).replaceAll(
    /(?<!\\)((?:\\\\)*)\\u00([01][0-9a-f])/g,
    (_, before: string, code: string) => before + (code === '07' ? '\\a' : code === '0b' ? '\\v' : `\\x${code}`),
  );
}

/** A field that must be there and is not. */
export function requiredValue(field: string, rule = ''): FieldError {
  return { reason: 'FieldValueRequired', message: rule === '' ? 'Required value' : `Required value: ${rule}`, field };
}

/** A field that must not be there. */
export function forbiddenField(field: string, rule: string): FieldError {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${rule}`, field };
}

/** Text above a limit of bytes. */
export function tooLong(field: string, limit: number): FieldError {
  return { reason: 'FieldValueTooLong', message: `Too long: may not be more than ${limit} bytes`, field };
}

/** More items than a limit. */
export function tooMany(field: string, count: number, limit: number): FieldError {
  return { reason: 'FieldValueTooMany', message: `Too many: ${count}: must have at most ${limit} items`, field };
}

/** A value of another type than the schema has. */
export function wrongType(field: string, expected: string, actual: string): FieldError {
  const type = JSON.stringify(actual);
  return {
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${type}: ${field} in body must be of type ${expected}: ${type}`,
    field,
  };
}

/** A value outside of a closed set. */
export function unsupportedValue(field: string, value: Json, supported: readonly Json[]): FieldError {
  const offered = supported.map((choice) => JSON.stringify(choice)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${offered}`;
  return { reason: 'FieldValueNotSupported', message, field };
}

/** An item that a list has already; `identity` is what may occur only once, as Go prints it. */
export function duplicateValue(field: string, identity: string): FieldError {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${identity}`, field };
}
