import type { EventLog } from '@pulseplane/event-log';
import type { Json, ObjectRef, ResourceKind } from '@pulseplane/resources';
import { execute, fail, ok, type Result, refOf } from '../command/index.ts';
import { parseYamlDocuments } from './body.ts';
import { readManifest } from './manifest.ts';
import { nameSuffixes, readObject } from './read-object.ts';
import { rejected } from './rejected.ts';
import type { Status } from './status.ts';

export type SeedOptions = { readonly now: () => Date; readonly newId: () => string; readonly via: string };

/**
 * Applies the documents of a YAML text one after the other, by the same way as a client's writes; unknown fields
 * are refused. A later document for the same object replaces the earlier one. Stops at the first that is refused
 * and says which; the documents before it stay applied.
 */
export async function seed(
  log: EventLog,
  yaml: string,
  options: SeedOptions,
): Promise<Result<readonly ObjectRef[], string>> {
  const documents = parseYamlDocuments(yaml);
  if (!documents.ok) return documents;
  const applied: ObjectRef[] = [];
  for (const [index, document] of documents.value.entries()) {
    const result = await applyDocument(log, document, options);
    if (!result.ok) return fail(`document ${index + 1}: ${result.error}`);
    applied.push(result.value);
  }
  return ok(applied);
}

async function applyDocument(log: EventLog, document: Json, options: SeedOptions): Promise<Result<ObjectRef, string>> {
  const manifest = readManifest(document);
  if (!manifest.ok) return fail(manifest.error.message);
  const { input, kind, namespace } = manifest.value;
  const { newId } = options;
  const reading = { fieldValidation: 'Strict', patched: false, newSuffix: nameSuffixes(options) } as const;
  const read = readObject(input, { kind, namespace }, reading);
  if (!read.ok) return fail(describe(kind, read.error));
  const { object } = read.value;
  const ref = refOf(kind, namespace, object.metadata.name);
  const outcome = await execute<Status>(
    log,
    { ref, command: (current) => ok({ type: current === undefined ? 'create' : 'replace', kind, object }) },
    {
      actor: { user: 'system', via: options.via },
      requestId: newId(),
      now: options.now().toISOString(),
      newId,
      dryRun: false,
    },
  );
  if (outcome.ok) return ok(ref);
  return fail(describe(kind, 'type' in outcome.error ? rejected(outcome.error) : outcome.error));
}

function describe(kind: ResourceKind, status: Status): string {
  return `${kind.kind}: ${status.message}`;
}
