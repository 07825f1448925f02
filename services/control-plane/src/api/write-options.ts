import { isJsonObject, type Json } from '@pulseplane/resources';
import { fail, ok, type Preconditions, type Result } from '../command/index.ts';
import type { FieldValidation } from './read-object.ts';

/** Query parameters that all writes have. */
export type WriteOptions = { readonly dryRun: boolean; readonly fieldValidation: FieldValidation };

/** What the body of a DELETE says. */
export type DeleteOptions = { readonly dryRun: boolean; readonly preconditions: Preconditions };

type Query = Readonly<Record<string, unknown>>;

const FIELD_VALIDATIONS: readonly string[] = ['Strict', 'Warn', 'Ignore'] satisfies readonly FieldValidation[];

/** Reads dryRun and fieldValidation. Strict where nobody says: a person with curl does not see a warning header. */
export function readWriteOptions(query: Query): Result<WriteOptions, string> {
  const dryRun = readDryRun(query['dryRun']);
  if (!dryRun.ok) return dryRun;
  const wanted = query['fieldValidation'] ?? 'Strict';
  if (!isFieldValidation(wanted)) {
    return fail(
      `fieldValidation: Unsupported value: ${JSON.stringify(wanted)}: supported values: "Ignore", "Warn", "Strict"`,
    );
  }
  return ok({ dryRun: dryRun.value, fieldValidation: wanted });
}

/** Reads a DeleteOptions body (absent: no options) together with the query. */
export function readDeleteOptions(query: Query, body: Json | undefined): Result<DeleteOptions, string> {
  const fromQuery = readDryRun(query['dryRun']);
  if (!fromQuery.ok) return fromQuery;
  if (body === undefined || body === null) return ok({ dryRun: fromQuery.value, preconditions: {} });
  if (!isJsonObject(body)) return fail('the body must be a DeleteOptions object');
  const fromBody = readDryRun(body['dryRun'] ?? undefined);
  if (!fromBody.ok) return fromBody;
  const wanted = body['preconditions'] ?? {};
  if (!isJsonObject(wanted)) return fail('preconditions: must be an object');
  const preconditions: { uid?: string; resourceVersion?: string } = {};
  for (const field of ['uid', 'resourceVersion'] as const) {
    const value = wanted[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') return fail(`preconditions.${field}: ${JSON.stringify(value)} is not a string`);
    preconditions[field] = value;
  }
  return ok({ dryRun: fromQuery.value || fromBody.value, preconditions });
}

/** `All`, once or more, or nothing; an empty value is nothing. */
function readDryRun(value: unknown): Result<boolean, string> {
  const values = (Array.isArray(value) ? value : [value]).filter((item) => item !== undefined && item !== '');
  const wrong = values.find((item) => item !== 'All');
  if (wrong !== undefined) return fail(`dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`);
  return ok(values.length > 0);
}

function isFieldValidation(value: unknown): value is FieldValidation {
  return typeof value === 'string' && FIELD_VALIDATIONS.includes(value);
}
