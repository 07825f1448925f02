import {
  type FieldError,
  invalidValue,
  isJsonObject,
  type Json,
  type JsonObject,
  unsupportedValue,
} from '@pulseplane/resources';
import { fail, ok, type Preconditions, type Result } from '../command/index.ts';
import type { FieldValidation } from './read-object.ts';
import { badRequest, invalidOptions, invalidParameter, type Status } from './status.ts';

/** Query parameters that all writes have. */
export type WriteOptions = { readonly dryRun: boolean; readonly fieldValidation: FieldValidation };

/** What a DELETE says. */
export type DeleteOptions = {
  readonly dryRun: boolean;
  readonly preconditions: Preconditions;
  /** The old form of a propagation policy. */
  readonly orphanDependents?: boolean;
};

type Query = Readonly<Record<string, unknown>>;

const PROPAGATION_POLICIES = ['Foreground', 'Background', 'Orphan'] as const;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

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

/**
 * Reads a DeleteOptions body, or without one the query, as Kubernetes does; `dryRun` counts from either. Here no object
 * has dependents, so every propagation policy comes to the same, and none is deleted in a grace period.
 */
export function readDeleteOptions(query: Query, body: Json | undefined): Result<DeleteOptions, Status> {
  const fromQuery = readDryRun(query['dryRun']);
  if (!fromQuery.ok) return fail(unknownDryRun(query['dryRun']));
  const given = body ?? fromParameters(query);
  if (!isJsonObject(given)) return fail(badRequest('the body must be a DeleteOptions object'));
  const fromBody = readDryRun(body === undefined ? undefined : (given['dryRun'] ?? undefined));
  if (!fromBody.ok) return fail(unknownDryRun(given['dryRun']));
  const { gracePeriodSeconds, propagationPolicy, orphanDependents } = given;
  if (isGiven(gracePeriodSeconds) && !Number.isSafeInteger(gracePeriodSeconds)) {
    return fail(invalidParameter('gracePeriodSeconds', gracePeriodSeconds ?? null, 'must be a whole number'));
  }
  if (isGiven(orphanDependents) && typeof orphanDependents !== 'boolean') {
    return fail(invalidParameter('orphanDependents', orphanDependents ?? null, 'must be true or false'));
  }
  const faults = isGiven(propagationPolicy) ? policyFaults(propagationPolicy, isGiven(orphanDependents)) : [];
  if (faults.length > 0) return fail(invalidOptions('DeleteOptions', faults));
  const preconditions = readPreconditions(given['preconditions']);
  if (!preconditions.ok) return preconditions;
  return ok({
    dryRun: fromQuery.value || fromBody.value,
    preconditions: preconditions.value,
    ...(typeof orphanDependents === 'boolean' && { orphanDependents }),
  });
}

/** In Kubernetes' words, which show the whole list as Go prints it. */
function unknownDryRun(value: unknown): Status {
  const values = (Array.isArray(value) ? value : [value]).map((item) => JSON.stringify(item)).join(', ');
  const message = `Unsupported value: []string{${values}}: supported values: "All"`;
  return invalidOptions('DeleteOptions', [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }]);
}

function readPreconditions(value: Json | undefined): Result<Preconditions, Status> {
  const wanted = value ?? {};
  if (!isJsonObject(wanted)) return fail(invalidParameter('preconditions', wanted, 'must be an object'));
  const preconditions: { uid?: string; resourceVersion?: string } = {};
  for (const field of ['uid', 'resourceVersion'] as const) {
    const text = wanted[field];
    if (!isGiven(text)) continue;
    if (typeof text !== 'string')
      return fail(invalidParameter(`preconditions.${field}`, text ?? null, 'must be a string'));
    preconditions[field] = text;
  }
  return ok(preconditions);
}

/** The options of a DELETE without a body, in the types of a body. */
function fromParameters({ propagationPolicy, orphanDependents, gracePeriodSeconds }: Query): JsonObject {
  const [policy, orphans, seconds] = [propagationPolicy, orphanDependents, gracePeriodSeconds].map((value) =>
    typeof value === 'string' && value !== '' ? value : undefined,
  );
  return {
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(orphans !== undefined && { orphanDependents: BOOLEANS.get(orphans) ?? orphans }),
    ...(seconds !== undefined && { gracePeriodSeconds: /^-?\d{1,15}$/.test(seconds) ? Number(seconds) : seconds }),
  };
}

function policyFaults(policy: Json | undefined, withOrphans: boolean): readonly FieldError[] {
  const field = 'propagationPolicy';
  const value = policy ?? null;
  return [
    ...(withOrphans ? [invalidValue(field, value, 'orphanDependents and deletionPropagation cannot be both set')] : []),
    ...(PROPAGATION_POLICIES.some((known) => known === value)
      ? []
      : [unsupportedValue(field, value, [...PROPAGATION_POLICIES, 'nil'])]),
  ];
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
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
