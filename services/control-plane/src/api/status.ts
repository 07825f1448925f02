import type { StorageFault } from '@pulseplane/event-log';
import type { ConflictReport } from '@pulseplane/field-ownership';
import {
  apiVersionOf,
  type FieldError,
  invalidValue,
  type Json,
  type ObjectRef,
  qualifiedResource,
  type ResourceKind,
} from '@pulseplane/resources';

/** The header that names a request, so that a retry of it is answered as the first try was. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';

/** One thing that is wrong; without a field where it is about the whole. */
export type FieldFault = { readonly reason?: string; readonly message: string; readonly field?: string };

type Details = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly FieldFault[];
  readonly retryAfterSeconds?: number;
};

/** Kubernetes' answer to everything that is not an object: every error, and a completed deletion. */
export type Status = {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Details;
  readonly code: number;
};

/** A completed deletion; as in Kubernetes it has no code. */
export function deleted(kind: ResourceKind, ref: ObjectRef, uid: string): Omit<Status, 'code'> {
  const details = { name: ref.name, ...(kind.group !== '' && { group: kind.group }), kind: kind.plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

/** No such path. */
export function unknownPath(message = 'the server could not find the requested resource'): Status {
  return failure(404, 'NotFound', message, {});
}

/** A malformed request. */
export function badRequest(message: string): Status {
  return failure(400, 'BadRequest', message);
}

/** An object without a name where the URL has one. */
export function undeterminableName(name: string): Status {
  return badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
}

/** A parameter, header or field of a request that breaks a rule. */
export function invalidParameter(field: string, value: Json, rule: string): Status {
  const fault = invalidValue(field, value, rule);
  return failure(400, 'BadRequest', `${field}: ${fault.message}`, { causes: [fault] });
}

/** A sequence number from which nothing is known any more. */
export function compactedAway(field: string, seq: number, floor: number): Status {
  const fault = invalidValue(field, seq, `is compacted away; the oldest that is known is ${floor}`);
  return failure(410, 'Expired', `${field}: ${fault.message}`, { causes: [fault] });
}

/** A refusal that no credential would change. */
export function forbidden(message: string): Status {
  return failure(403, 'Forbidden', message);
}

/** A method or mode that the path does not have. */
export function methodNotAllowed(message = 'the server does not allow this method on the requested resource'): Status {
  return failure(405, 'MethodNotAllowed', message, {});
}

/** A worker that does not answer on the tunnel. */
export function workerUnreachable(pod: string, reason: string): Status {
  return failure(503, 'ServiceUnavailable', `the worker ${pod} cannot be reached: ${reason}`);
}

/** A version that is no longer there, or never was: the client has to begin anew. */
export function expired(message: string): Status {
  return failure(410, 'Expired', message);
}

/** A version that has not happened yet; Kubernetes' words. */
export function tooLargeVersion(version: number, head: number): Status {
  const message = `Too large resource version: ${version}, current: ${head}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return failure(504, 'Timeout', `Timeout: ${message}`, { causes, retryAfterSeconds: 1 });
}

/** More than the server serves at once, or faster than the client reads. */
export function tooManyRequests(message: string, retryAfterSeconds: number): Status {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds });
}

/** An answer of a type that is not served. */
export function notAcceptable(): Status {
  const types = 'application/json, application/yaml';
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
}

/** A body above the limit. */
export function tooLarge(limit: number): Status {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
}

/** Headers above what the HTTP parser takes. */
export function headersTooLarge(): Status {
  return failure(431, 'RequestEntityTooLarge', 'the headers of the request are too large');
}

/** A request that did not come whole within its time. */
export function requestTimedOut(): Status {
  return failure(408, 'Timeout', 'the request did not come whole in time');
}

/** A body of a type that the path does not take. */
function unsupportedMediaType(message: string): Status {
  return failure(415, 'UnsupportedMediaType', message);
}

/** A body of a type that the path does not take, with the types that it takes. */
export function acceptedMediaTypes(accepted: readonly string[]): Status {
  return unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** An object that breaks rules; kubectl prints the causes. */
export function invalid(
  kind: Pick<ResourceKind, 'group' | 'kind'>,
  name: string,
  errors: readonly FieldError[],
): Status {
  const faults = errors.map(({ field, message }) => `${field}: ${message}`);
  const list = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`;
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return failure(422, 'Invalid', `${qualifiedKind} ${JSON.stringify(name)} is invalid: ${list}`, {
    ...(name !== '' && { name }),
    ...(kind.group !== '' && { group: kind.group }),
    kind: kind.kind,
    causes: errors,
  });
}

/** An update that does not say of which version. */
export function versionMissing(kind: ResourceKind, name: string): Status {
  const fault = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
  const resource = { group: kind.group, kind: kind.plural };
  return invalid(resource, name, [{ ...fault, message: 'Invalid value: 0x0: must be specified for an update' }]);
}

/** Objects of one request that break rules, with every fault of each. */
export function invalidDocuments(faults: readonly FieldFault[]): Status {
  const lines = faults.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  return failure(422, 'Invalid', `the request is invalid: [${lines.join(', ')}]`, { causes: faults });
}

/** A parameter of a write that breaks a rule. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): Status {
  return invalid({ group: 'meta.k8s.io', kind }, '', errors);
}

/** An apply that would change fields of others. */
export function applyConflict({ message, causes }: ConflictReport): Status {
  return failure(409, 'Conflict', message, { causes });
}

/** An apply whose configuration does not fit the schema; a server error in Kubernetes, and so to its clients here. */
export function untypedPatch(
  kind: ResourceKind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  reason: string,
): Status {
  const what = `${namespace}/${name}; ${kindWithVersion(apiVersionOf(kind), kind.kind)}`;
  return failure(500, '', `failed to create typed patch object (${what}): ${reason}`);
}

/** A kind as Go prints it; the core group is empty. */
export function kindWithVersion(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
}

/** An apply that names the uid of an object which is not there. */
export function uidMismatch(kind: ResourceKind, name: string, uid: string): Status {
  const reason = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  return conflict({ kind, name }, reason);
}

/** A patch that cannot be applied. */
export function unprocessablePatch(reason: string): Status {
  return failure(422, 'Invalid', `the server rejected our request due to an error in our request: ${reason}`, {});
}

/** A fault of the server. What it was is in the log only. */
export function internalError(requestId: string): Status {
  return failure(500, 'InternalError', `Internal error occurred; the server's log has it under request ${requestId}`);
}

/** The log cannot be read or written now: 507 when there is no space left, else 503. */
export function storageUnavailable({ kind, message, outcome }: StorageFault): Status {
  const [code, reason] =
    kind === 'full' ? ([507, 'InsufficientStorage'] as const) : ([503, 'ServiceUnavailable'] as const);
  const changed = outcome === 'unknown' ? 'the change may or may not have been made' : 'nothing was changed';
  return failure(code, reason, `the event log is ${kind}, ${changed}: ${message}`, {
    causes: [{ reason: 'StorageFault', message }],
  });
}

/** An object that does not exist. */
export function notFound(kind: ResourceKind, name: string): Status {
  return failure(404, 'NotFound', `${resourceAndName(kind, name)} not found`, detailsOf(kind, name));
}

/** A write that met another than the one it is about. */
export function conflict(
  { kind, name }: { readonly kind: ResourceKind; readonly name: string },
  reason: string,
): Status {
  const message = `Operation cannot be fulfilled on ${resourceAndName(kind, name)}: ${reason}`;
  return failure(409, 'Conflict', message, detailsOf(kind, name));
}

/** An object as Kubernetes names it in its sentences. */
export function resourceAndName(kind: ResourceKind, name: string): string {
  return `${qualifiedResource(kind)} ${JSON.stringify(name)}`;
}

/** What names an object in a Status. */
export function detailsOf(kind: ResourceKind, name: string): Details {
  return { name, ...(kind.group !== '' && { group: kind.group }), kind: kind.plural };
}

/** A Status of a failure. */
export function failure(code: number, reason: string, message: string, details?: Details): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details !== undefined && { details }),
    code,
  };
}
