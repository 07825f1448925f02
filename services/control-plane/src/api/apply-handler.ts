import { applyConfiguration, fieldTypeOf, reportConflicts } from '@pulseplane/field-ownership';
import {
  apiVersionOf,
  isJsonObject,
  type Json,
  type JsonObject,
  type ResourceKind,
  SECRET,
  type StoredObject,
} from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Command, fail, type Intent, ok, type Result, refOf } from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { isForced, readFieldManager } from './field-manager.ts';
import { patchable } from './patchable.ts';
import type { PathParams } from './read-handlers.ts';
import { nameSuffixes, readObject } from './read-object.ts';
import { applyBody } from './request-body.ts';
import { applyConflict, badRequest, kindWithVersion, type Status, uidMismatch, untypedPatch } from './status.ts';
import { absentNamespace, answerWrite, run } from './write.ts';
import { readWriteOptions } from './write-options.ts';

type Place = { readonly kind: ResourceKind; readonly namespace: string; readonly name: string };

/** PATCH with `application/apply-patch+yaml`: the object as the body wants it, created where there is none. */
export async function applyObject(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Promise<Answer> {
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const manager = readFieldManager(request);
  if (!manager.ok) return statusAnswer(manager.error);
  const config = applyBody(request);
  if (!config.ok) return statusAnswer(config.error);
  const refusal = mismatch(kind, config.value);
  if (refusal !== undefined) return statusAnswer(badRequest(refusal));
  const time = `${options.now().toISOString().slice(0, 19)}Z`;
  const writer = { manager: manager.value, apiVersion: apiVersionOf(kind), time };
  const { fieldValidation } = writing.value;
  const readOptions = { fieldValidation, patched: true, newSuffix: nameSuffixes(options) };
  let creates = false;
  let warnings: readonly string[] = [];
  const intent: Intent<Status> = {
    ref: refOf(kind, namespace, name),
    command: (current): Result<Command, Status> => {
      creates = current === undefined;
      const applied = apply({ kind, namespace, name }, current, config.value, writer, isForced(request));
      if (!applied.ok) return applied;
      const { object, managedFields } = applied.value;
      const read = readObject(
        object,
        { kind, namespace, name },
        {
          ...readOptions,
          before: current?.object,
          ...(current === undefined && { absence: absentNamespace(options, kind, namespace) }),
        },
      );
      if (!read.ok) return read;
      warnings = read.value.warnings;
      return ok({ type: creates ? 'create' : 'replace', kind, object: read.value.object, managedFields });
    },
  };
  const outcome = await run(options, request, intent, writing.value);
  const created = creates || (outcome.ok && outcome.value.events.some(({ type }) => type === 'Created'));
  return answerWrite(options, kind, created ? 201 : 200, warnings, outcome);
}

type Merged = { readonly object: JsonObject; readonly managedFields: readonly JsonObject[] };

function apply(
  { kind, namespace, name }: Place,
  current: StoredObject | undefined,
  { status: _, ...config }: JsonObject,
  writer: Parameters<typeof applyConfiguration>[0]['writer'],
  force: boolean,
): Result<Merged, Status> {
  const live = current === undefined ? undefined : patchable(current);
  const applied = applyConfiguration({ type: fieldTypeOf(kind.schema), live, config, writer, force });
  switch (applied.kind) {
    case 'conflicts':
      return fail(applyConflict(reportConflicts(applied.conflicts)));
    case 'unreadable':
      return fail(untypedPatch(kind, { namespace, name }, shownReason(kind, applied.reason)));
    case 'applied': {
      const { uid } = metadataOf(applied.object);
      if (live === undefined && typeof uid === 'string' && uid !== '') return fail(uidMismatch(kind, name, uid));
      return ok(applied);
    }
  }
}

/** A reason ends with the value that it is about. Of a Secret's there is the first, without. */
function shownReason(kind: ResourceKind, reason: string): string {
  return kind === SECRET ? reason.replace(/, got .*/s, '') : reason;
}

function mismatch(kind: ResourceKind, config: JsonObject): string | undefined {
  if (config['apiVersion'] !== apiVersionOf(kind) || config['kind'] !== kind.kind) {
    return `invalid object type: ${kindWithVersion(textOf(config['apiVersion']), textOf(config['kind']))}`;
  }
  return (metadataOf(config)['managedFields'] ?? null) === null ? undefined : 'metadata.managedFields must be nil';
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function metadataOf({ metadata }: JsonObject): JsonObject {
  return isJsonObject(metadata) ? metadata : {};
}
