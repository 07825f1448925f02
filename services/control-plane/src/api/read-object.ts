import {
  apiVersionOf,
  invalidValue,
  isJsonObject,
  type Json,
  type JsonObject,
  type KubernetesObject,
  type ResourceKind,
  SECRET,
  validateObject,
} from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';
import type { ApiOptions } from './api-options.ts';
import { badRequest, invalid, type Status, undeterminableName } from './status.ts';

/** What happens to fields that the schema does not know. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

const BUILT_IN_GROUPS: readonly string[] = ['', 'authentication.k8s.io', 'authorization.k8s.io'];

/** Where an object is written to: what the URL says of it. Without a name there the object may get a generated one. */
export type Place = { readonly kind: ResourceKind; readonly namespace: string; readonly name?: string };

export type ReadOptions = {
  readonly fieldValidation: FieldValidation;
  /** A patched object answers unknown fields otherwise than a sent one, as in Kubernetes. */
  readonly patched: boolean;
  /** For `metadata.generateName`. */
  readonly newSuffix: () => string;
  /** The object that is replaced: some fields may not change. */
  readonly before?: KubernetesObject | undefined;
  /** What else there must be, and is not: Kubernetes says that of an object that it can read before its faults. */
  readonly absence?: (object: KubernetesObject) => Status | undefined;
};

/** An object that may be stored, and what the writer should be warned of. */
export type ReadObject = { readonly object: KubernetesObject; readonly warnings: readonly string[] };

/** Reads a written object: it must be of the kind and at the place that the URL names, and valid. */
export function readObject(input: JsonObject, place: Place, options: ReadOptions): Result<ReadObject, Status> {
  const { kind } = place;
  const typed = withType(input, kind);
  const mismatch = options.patched ? undefined : typeMismatch(typed, kind);
  if (mismatch !== undefined) return fail(badRequest(mismatch));
  const placed = putInPlace(typed, place, options.newSuffix);
  if (!placed.ok) return placed;
  const changed = options.patched ? changedType(typed, place) : undefined;
  if (changed !== undefined) return fail(changed);
  const { object, errors, unknown, warnings } = validateObject(kind, placed.value, options.before);
  const faults = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (options.fieldValidation === 'Strict' && faults.length > 0) {
    return fail(strictFailure(kind, placed.value, faults, options));
  }
  if (errors.length > 0) return fail(options.absence?.(object) ?? invalid(kind, object.metadata.name, errors));
  return ok({ object, warnings: options.fieldValidation === 'Warn' ? [...faults, ...warnings] : warnings });
}

/** As in Kubernetes, an object of a kind that is built in there need not say its type; the path does. */
function withType(input: JsonObject, kind: ResourceKind): JsonObject {
  if (!BUILT_IN_GROUPS.includes(kind.group)) return input;
  const { apiVersion, kind: kindName } = input;
  return {
    ...input,
    apiVersion: isEmpty(apiVersion) ? apiVersionOf(kind) : apiVersion,
    kind: isEmpty(kindName) ? kind.kind : kindName,
  };
}

function typeMismatch(input: JsonObject, kind: ResourceKind): string | undefined {
  const wanted = apiVersionOf(kind);
  const { apiVersion, kind: kindName } = input;
  if (!isText(kindName)) return "Object 'Kind' is missing in the body";
  if (apiVersion !== wanted) {
    return `the API version in the data (${isText(apiVersion) ? apiVersion : ''}) does not match the expected API version (${wanted})`;
  }
  return kindName === kind.kind
    ? undefined
    : `the kind in the data (${kindName}) does not match the expected kind (${kind.kind})`;
}

/** A patch that makes the object one of another type, in Kubernetes' words: it names the type that it would have. */
function changedType({ apiVersion, kind: kindName }: JsonObject, { kind, name = '' }: Place): Status | undefined {
  const wanted = apiVersionOf(kind);
  const faults = [
    ...(kindName === kind.kind ? [] : [invalidValue('kind', kindName ?? null, `must be ${kind.kind}`)]),
    ...(apiVersion === wanted ? [] : [invalidValue('apiVersion', apiVersion ?? null, `must be ${wanted}`)]),
  ];
  if (faults.length === 0) return undefined;
  const group = isText(apiVersion) ? apiVersion.slice(0, Math.max(apiVersion.indexOf('/'), 0)) : kind.group;
  return invalid({ group, kind: isText(kindName) ? kindName : kind.kind }, name, faults);
}

/**
 * Fills in the URL's namespace, or a generated name. What the object itself says must agree with the URL, and where that
 * has a name the object must too: one that has lost its metadata would lose labels and annotations otherwise. Wrong
 * types are judged later.
 */
function putInPlace(input: JsonObject, place: Place, newSuffix: () => string): Result<JsonObject, Status> {
  const metadata = input['metadata'] ?? {};
  if (!isJsonObject(metadata)) return ok(input);
  const { namespace, name, generateName } = metadata;
  if (place.name !== undefined && isEmpty(name)) return fail(undeterminableName(place.name));
  if (place.kind.namespaced && isText(namespace) && namespace !== place.namespace) {
    return fail(badRequest('the namespace of the provided object does not match the namespace sent on the request'));
  }
  if (place.name !== undefined && isText(name) && name !== place.name) {
    return fail(badRequest(`the name of the object (${name}) does not match the name on the URL (${place.name})`));
  }
  const generated = isText(generateName) ? generateName + newSuffix() : undefined;
  const finalName = isEmpty(name) ? generated : name;
  return ok({
    ...input,
    metadata: {
      ...metadata,
      ...(finalName !== undefined && { name: finalName }),
      ...(place.kind.namespaced && isEmpty(namespace) && { namespace: place.namespace }),
    },
  });
}

function strictFailure(
  kind: ResourceKind,
  input: JsonObject,
  faults: readonly string[],
  { patched }: ReadOptions,
): Status {
  const rule = `strict decoding error: ${faults.join(', ')}`;
  if (!patched) {
    return badRequest(
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${rule}`,
    );
  }
  const metadata = input['metadata'];
  const name = isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
  const shown = kind === SECRET ? '<hidden>' : JSON.stringify(input);
  return invalid(kind, name, [invalidValue('patch', shown, rule)]);
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '';
}

/**
 * Makes ends of generated names: the time, so that they list in the order of their creation and lie together in the
 * log's index, then some of an id, which must end at random.
 */
export function nameSuffixes({ now, newId }: Pick<ApiOptions, 'now' | 'newId'>): () => string {
  return () => now().getTime().toString(36) + newId().slice(-6).toLowerCase();
}
