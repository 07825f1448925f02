import {
  apiVersionOf,
  isJsonObject,
  type Json,
  type JsonObject,
  refKey,
  type StoredObject,
} from '@pulseplane/resources';
import { type CommandContext, decideOn, fail, ok, type Rejection, type Result, refOf } from '../../command/index.ts';
import type { ApiOptions } from '../api-options.ts';
import { diffObjects } from '../history/object-diff.ts';
import { MAX_PREVIEWED_OBJECTS } from '../limits.ts';
import { readManifest } from '../manifest.ts';
import { nameSuffixes, type ReadObject, type ReadOptions, readObject } from '../read-object.ts';
import { rejected } from '../rejected.ts';
import { badRequest, type FieldFault, invalidDocuments, type Status } from '../status.ts';
import type { WriteOptions } from '../write-options.ts';

/** What would become of one manifest. */
export type Draft = {
  /** The manifest's place in the request, from 1; the items of a List count each. */
  readonly document: number;
  readonly stored: StoredObject;
  readonly change: 'Created' | 'Changed' | 'Unchanged';
  readonly warnings: readonly string[];
};

/** Manifests create and replace, so what would follow from an end is not compared. */
const GONE =
  'metadata.finalizers: the object is being deleted and would be gone, because nothing holds it any more; what follows from that is not shown';

type Decided = Omit<Draft, 'document'>;
type Faults = readonly FieldFault[];
type Reading = Pick<WriteOptions, 'fieldValidation'>;

/** The manifests of a request: its documents, with the items of Lists in their place. */
export function manifestsOf(documents: readonly Json[]): Result<readonly Json[], Status> {
  const manifests = documents.flatMap((document) => (isList(document) ? document.items : [document]));
  if (manifests.length === 0) return fail(badRequest('the body holds no objects'));
  if (manifests.length <= MAX_PREVIEWED_OBJECTS) return ok(manifests);
  return fail(badRequest(`the body holds ${manifests.length} objects; at most ${MAX_PREVIEWED_OBJECTS} are allowed`));
}

/** Decides manifests one after the other as writes of whole objects, each on what those before it would have stored. */
export function decideManifests(
  options: ApiOptions,
  manifests: readonly Json[],
  reading: Reading,
  context: CommandContext,
): Result<readonly Draft[], Status> {
  const { log } = options;
  const drafts = new Map<string, StoredObject>();
  const objects: Parameters<typeof decideOn>[0] = {
    object: (ref) => drafts.get(refKey(ref)) ?? log.object(ref),
    objects: (filter) => log.objects(filter),
    each: (filter) => log.each(filter),
  };
  const decided: Draft[] = [];
  const faults: FieldFault[] = [];
  for (const [index, manifest] of manifests.entries()) {
    const document = index + 1;
    const result = decideManifest(options, objects, manifest, reading, { context, version: log.head() + document });
    if (!result.ok) {
      const about = `document ${document}${nameOf(manifest)}: `;
      faults.push(...result.error.map((fault) => ({ ...fault, message: about + fault.message })));
      continue;
    }
    drafts.set(refKey(result.value.stored.ref), result.value.stored);
    decided.push({ document, ...result.value });
  }
  return faults.length === 0 ? ok(decided) : fail(invalidDocuments(faults));
}

function decideManifest(
  options: ApiOptions,
  objects: Parameters<typeof decideOn>[0],
  document: Json,
  reading: Reading,
  { context, version }: { readonly context: CommandContext; readonly version: number },
): Result<Decided, Faults> {
  const manifest = readManifest(document);
  if (!manifest.ok) return fail([manifest.error]);
  const { kind, namespace } = manifest.value;
  const before = objects.object(refOf(kind, namespace, nameIn(manifest.value.input)))?.object;
  const read = readWhole(manifest.value, { ...reading, before }, nameSuffixes(options));
  if (!read.ok) return read;
  const { object, warnings } = read.value;
  const ref = refOf(kind, namespace, object.metadata.name);
  const current = objects.object(ref);
  const type = current === undefined ? 'create' : 'replace';
  const decision = decideOn(objects, ref, { type, kind, object }, current, context);
  if (!decision.ok) return fail([{ ...faultOf(rejected(decision.error)), field: fieldOf(decision.error) }]);
  const { object: after, append, changedAt, isGone } = decision.value;
  const isChanged = diffObjects(current?.object, after).length > 0;
  return ok({
    stored: { ref, object: after, changedAt, version: append.events.length > 0 ? version : decision.value.version },
    change: current === undefined ? 'Created' : isChanged ? 'Changed' : 'Unchanged',
    // The manifest takes the last finalizer off an object that is on its way out.
    warnings: isGone ? [...warnings, GONE] : warnings,
  });
}

/** A write tells of unknown fields first and alone; a preview tells of the other faults too. */
function readWhole(
  { input, ...place }: Extract<ReturnType<typeof readManifest>, { readonly ok: true }>['value'],
  reading: Pick<ReadOptions, 'fieldValidation' | 'before'>,
  newSuffix: () => string,
): Result<ReadObject, Faults> {
  const read = readObject(input, place, { ...reading, patched: false, newSuffix });
  if (read.ok) return read;
  const { causes } = read.error.details ?? {};
  if (causes !== undefined) return fail(causes);
  const lenient = readObject(input, place, { ...reading, fieldValidation: 'Ignore', patched: false, newSuffix });
  return fail([faultOf(read.error), ...(lenient.ok ? [] : (lenient.error.details?.causes ?? []))]);
}

function faultOf({ reason, message = '' }: Status): FieldFault {
  return { ...(reason !== undefined && { reason }), message };
}

/** The field of a manifest for which it is refused. */
function fieldOf(rejection: Rejection): string {
  switch (rejection.type) {
    case 'namespaceNotFound':
    case 'namespaceTerminating':
      return 'metadata.namespace';
    case 'finalizersAdded':
      return 'metadata.finalizers';
    case 'modified':
    case 'versionOnCreate':
      return 'metadata.resourceVersion';
    case 'preconditionFailed':
      return `metadata.${rejection.field}`;
    default:
      return 'metadata.name';
  }
}

/** ` (AgentgatewayPolicy httpbin/keepalive)`, as far as the manifest says it. */
function nameOf(manifest: Json): string {
  const { kind, metadata } = isJsonObject(manifest) ? manifest : {};
  const { namespace, name } = isJsonObject(metadata) ? metadata : {};
  const isNamed = typeof kind === 'string' && typeof name === 'string';
  return isNamed ? ` (${kind} ${typeof namespace === 'string' ? `${namespace}/` : ''}${name})` : '';
}

/** Empty where the manifest has none. */
function nameIn({ metadata }: JsonObject): string {
  return isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
}

function isList(document: Json): document is { readonly items: readonly Json[] } {
  return (
    isJsonObject(document) &&
    document['kind'] === 'List' &&
    document['apiVersion'] === apiVersionOf({ group: '', version: 'v1' }) &&
    Array.isArray(document['items'])
  );
}
