import { invalidValue, NAMESPACE, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Command, fail, type Intent, ok, type Result, refOf } from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { applyObject } from './apply-handler.ts';
import { mediaType } from './body.ts';
import { APPLY_PATCH_TYPE } from './patch.ts';
import { patchable } from './patchable.ts';
import { present } from './present.ts';
import type { PathParams } from './read-handlers.ts';
import { nameSuffixes, readObject } from './read-object.ts';
import { rejected } from './rejected.ts';
import { objectBody, optionsBody, patchBody } from './request-body.ts';
import { deleted, invalid, notFound, type Status, unprocessablePatch, versionMissing } from './status.ts';
import { absentNamespace, answerWrite, run, toStatus } from './write.ts';
import { readDeleteOptions, readWriteOptions } from './write-options.ts';

type Query = Readonly<Record<string, unknown>>;
type Write = (options: ApiOptions, kind: ResourceKind, request: FastifyRequest) => Promise<Answer>;

/** POST: a new object. */
export const createObject: Write = async (options, kind, request) => {
  const { namespace = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const body = objectBody(kind, request);
  if (!body.ok) return statusAnswer(body.error);
  const { fieldValidation } = writing.value;
  const read = readObject(
    body.value,
    { kind, namespace },
    {
      fieldValidation,
      patched: false,
      newSuffix: nameSuffixes(options),
      absence: absentNamespace(options, kind, namespace),
    },
  );
  if (!read.ok) return statusAnswer(read.error);
  const { object, warnings } = read.value;
  const ref = refOf(kind, namespace, object.metadata.name);
  if (seenOnly(options, kind, object.metadata.name) !== undefined) {
    return statusAnswer(rejected({ type: 'alreadyExists', kind, name: object.metadata.name, isDeleting: false }));
  }
  const intent: Intent<Status> = { ref, command: () => ok({ type: 'create', kind, object }), creates: true };
  return answerWrite(options, kind, 201, warnings, await run(options, request, intent, writing.value));
};

/** PUT: the whole object anew. */
export const replaceObject: Write = async (options, kind, request) => {
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const body = objectBody(kind, request);
  if (!body.ok) return statusAnswer(body.error);
  const { fieldValidation } = writing.value;
  const reading = { fieldValidation, patched: false, newSuffix: nameSuffixes(options) };
  let warnings: readonly string[] = [];
  const intent: Intent<Status> = {
    ref: refOf(kind, namespace, name),
    command: (current) => {
      const isAbsent = current === undefined && seenOnly(options, kind, name) === undefined;
      const absence = () => (isAbsent ? notFound(kind, name) : undefined);
      const read = readObject(body.value, { kind, namespace, name }, { ...reading, before: current?.object, absence });
      if (!read.ok) return read;
      const { object } = read.value;
      warnings = read.value.warnings;
      if (isAbsent) return fail(notFound(kind, name));
      // As in Kubernetes: custom kinds may not be overwritten blindly, its own may.
      if (object.metadata.resourceVersion === undefined && kind.group !== '') return fail(versionMissing(kind, name));
      return ok({ type: current === undefined ? 'create' : 'replace', kind, object });
    },
  };
  const outcome = await run(options, request, intent, writing.value);
  return answerWrite(options, kind, 200, warnings, outcome);
};

/** PATCH: a change of the object as it is now. */
export const patchObject: Write = async (options, kind, request) => {
  if (mediaType(request.headers['content-type']) === APPLY_PATCH_TYPE) return applyObject(options, kind, request);
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const patch = patchBody(kind, request);
  if (!patch.ok) return statusAnswer(patch.error);
  let warnings: readonly string[] = [];
  const intent: Intent<Status> = {
    ref: refOf(kind, namespace, name),
    command: (current): Result<Command, Status> => {
      const read = current ?? seenOnly(options, kind, name);
      if (read === undefined) return fail(notFound(kind, name));
      const patched = patch.value(patchable(read));
      if (!patched.ok) return fail(unprocessablePatch(patched.error));
      const { fieldValidation } = writing.value;
      const valid = readObject(
        patched.value,
        { kind, namespace, name },
        { fieldValidation, patched: true, newSuffix: nameSuffixes(options), before: current?.object },
      );
      if (!valid.ok) return valid;
      const { uid, resourceVersion } = valid.value.object.metadata;
      if (resourceVersion === undefined && kind.group !== '') return fail(versionMissing(kind, name));
      if (uid !== undefined && uid !== read.object.metadata.uid) {
        return fail(invalid(kind, name, [invalidValue('metadata.uid', uid, 'field is immutable')]));
      }
      warnings = valid.value.warnings;
      return ok({ type: current === undefined ? 'create' : 'replace', kind, object: valid.value.object });
    },
  };
  const outcome = await run(options, request, intent, writing.value);
  return answerWrite(options, kind, 200, warnings, outcome);
};

/**
 * DELETE: the object, and for a namespace all that is in it. As in Kubernetes the answer is a Status when it is gone, and
 * the object when finalizers hold it.
 */
export const deleteObject: Write = async (options, kind, request) => {
  const { namespace = '', name = '' } = request.params as PathParams;
  const body = optionsBody(request);
  if (!body.ok) return statusAnswer(body.error);
  const deleting = readDeleteOptions(request.query as Query, body.value);
  if (!deleting.ok) return statusAnswer(deleting.error);
  const { dryRun, preconditions, orphanDependents } = deleting.value;
  const ref = refOf(kind, namespace, name);
  if (kind === NAMESPACE && options.clusterView.namespace(name) !== undefined) {
    return statusAnswer(rejected({ type: 'namespaceProtected', namespace: name, hasWorkers: true }));
  }
  const intent: Intent<Status> = { ref, command: () => ok({ type: 'delete', kind, ref, preconditions }) };
  const outcome = await run(options, request, intent, { dryRun });
  if (!outcome.ok) return statusAnswer(toStatus(outcome.error));
  const { stored, isGone, events } = outcome.value;
  const warnings = options.envoyNotices.of(events.map(({ seq }) => seq));
  if (isGone) return { code: 200, body: deleted(kind, ref, stored.object.metadata.uid ?? ''), warnings };
  return { code: orphanDependents === false ? 202 : 200, body: present(kind, stored, options.statusOf), warnings };
};

/** A namespace that workers are in and that is not stored. Who changes it, or creates something in it, stores it. */
function seenOnly({ log, clusterView }: ApiOptions, kind: ResourceKind, name: string): StoredObject | undefined {
  if (kind !== NAMESPACE || log.object(refOf(kind, '', name)) !== undefined) return undefined;
  return clusterView.namespace(name);
}
