import {
  type FieldError,
  invalidValue,
  isJsonObject,
  type Json,
  type JsonObject,
  unsupportedValue,
} from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
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

const FIELD_VALIDATIONS: readonly FieldValidation[] = ['Ignore', 'Strict', 'Warn'];

/** What Kubernetes calls the parameters of a write. */
const OPTIONS: { readonly [method: string]: string } = {
  POST: 'CreateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
};

/** The kind that the parameters of a request have in its faults. */
export function optionsKind(method: string): string {
  return OPTIONS[method] ?? 'UpdateOptions';
}

/** Reads dryRun and fieldValidation. Strict where nobody says: a person with curl does not see a warning header. */
export function readWriteOptions(request: Pick<FastifyRequest, 'method' | 'query'>): Result<WriteOptions, Status> {
  const query = request.query as Query;
  const dryRun = readDryRun(query['dryRun']);
  const wanted = query['fieldValidation'] || 'Strict';
  const fieldValidation = FIELD_VALIDATIONS.find((known) => known === wanted);
  if (dryRun.ok && fieldValidation !== undefined) return ok({ dryRun: dryRun.value, fieldValidation });
  const faults = [
    ...(dryRun.ok ? [] : [dryRun.error]),
    ...(fieldValidation === undefined
      ? [unsupportedValue('fieldValidation', String(wanted), ['', ...FIELD_VALIDATIONS])]
      : []),
  ];
  return fail(invalidOptions(optionsKind(request.method), faults));
}

/**
 * Reads a DeleteOptions body, or without one the query, as Kubernetes does; `dryRun` counts from either. Here no object
 * has dependents, so every propagation policy comes to the same, and none is deleted in a grace period.
 */
export function readDeleteOptions(query: Query, body: Json | undefined): Result<DeleteOptions, Status> {
  const fromQuery = readDryRun(query['dryRun']);
  if (!fromQuery.ok) return fail(invalidOptions('DeleteOptions', [fromQuery.error]));
  const given = body ?? fromParameters(query);
  if (!isJsonObject(given)) return fail(badRequest('the body must be a DeleteOptions object'));
  const fromBody = readDryRun(body === undefined ? undefined : (given['dryRun'] ?? undefined));
  if (!fromBody.ok) return fail(invalidOptions('DeleteOptions', [fromBody.error]));
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
function readDryRun(value: unknown): Result<boolean, FieldError> {
  const values = (Array.isArray(value) ? value : [value]).filter((item) => item !== undefined && item !== '');
  if (values.every((item) => item === 'All')) return ok(values.length > 0);
  // Kubernetes prints the list as Go does.
  const list = `[]string{${values.map((item) => JSON.stringify(item)).join(', ')}}`;
  const message = `Unsupported value: ${list}: supported values: "All"`;
  return fail({ reason: 'FieldValueNotSupported', message, field: 'dryRun' });
}
