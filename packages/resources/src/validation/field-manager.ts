import type { JsonObject } from '../object.ts';
import { type FieldError, invalidValue, tooLong } from './field-error.ts';

/** Kubernetes' limits, in bytes of UTF-8. */
const MAX_MANAGER_BYTES = 128;
const MAX_SUBRESOURCE_BYTES = 256;

/** Why a name cannot be that of an owner of fields. */
export function fieldManagerFaults(name: string, field: string): readonly FieldError[] {
  const errors = utf8Bytes(name) > MAX_MANAGER_BYTES ? [tooLong(field, MAX_MANAGER_BYTES)] : [];
  const characters = [...name];
  const position = characters.findIndex((character) => !isPrintable(character));
  if (position < 0) return errors;
  const code = characters[position]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return [...errors, invalidValue(field, name, `invalid character U+${code} (at position ${position})`)];
}

/** What of this name an owner may be called: the printable characters, as many as fit. */
export function cutToFieldManager(name: string): string {
  let cut = '';
  for (const character of name) {
    if (!isPrintable(character)) continue;
    if (utf8Bytes(cut + character) > MAX_MANAGER_BYTES) break;
    cut += character;
  }
  return cut;
}

/** Checks the names in a list of owners that somebody sends. Whether it can be read otherwise is not asked here. */
export function checkManagedFields(managedFields: readonly JsonObject[], errors: FieldError[]): void {
  for (const [index, { manager, subresource }] of managedFields.entries()) {
    const path = `metadata.managedFields[${index}]`;
    if (typeof manager === 'string') errors.push(...fieldManagerFaults(manager, `${path}.manager`));
    if (typeof subresource === 'string' && utf8Bytes(subresource) > MAX_SUBRESOURCE_BYTES) {
      errors.push(tooLong(`${path}.subresource`, MAX_SUBRESOURCE_BYTES));
    }
  }
}

function isPrintable(character: string): boolean {
  return character === ' ' || !/[\p{C}\p{Z}]/u.test(character);
}

function utf8Bytes(text: string): number {
  return text.length * 3 <= MAX_MANAGER_BYTES ? text.length : new TextEncoder().encode(text).length;
}
