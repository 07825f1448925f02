import {
  apiVersionOf,
  checkStatus,
  isJsonObject,
  type JsonObject,
  type ResourceKind,
  type StoredObject,
} from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result, refOf } from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { mediaType } from './body.ts';
import { readFieldManager } from './field-manager.ts';
import { APPLY_PATCH_TYPE } from './patch.ts';
import { present } from './present.ts';
import type { PathParams } from './read-handlers.ts';
import { nameSuffixes, readObject } from './read-object.ts';
import { rejected } from './rejected.ts';
import { applyBody, objectBody, patchBody } from './request-body.ts';
import { invalid, notFound, type Status, unprocessablePatch, versionMissing } from './status.ts';
import { readWriteOptions } from './write-options.ts';

const NOT_KEPT = 'the status is derived here: what is written to it is not kept';

/** What a request makes of the object as clients read it. */
type Change = (read: JsonObject) => Result<JsonObject, Status>;

/**
 * PUT and PATCH of a status. It is derived, so nothing is stored; the request is checked as Kubernetes would and
 * answered with the object as it is, so that programs which write what they see go on. People get a warning.
 */
export function writeStatus(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const manager = readFieldManager(request);
  if (!manager.ok) return statusAnswer(manager.error);
  const change = readChange(kind, request);
  if (!change.ok) return statusAnswer(change.error);
  const stored = options.log.object(refOf(kind, namespace, name));
  if (stored === undefined) return statusAnswer(notFound(kind, name));
  const body = present(kind, stored, options.statusOf);
  const written = change.value(body);
  const refusal = written.ok ? refuse(options, kind, stored, written.value) : written.error;
  return refusal === undefined ? { code: 200, body, warnings: [NOT_KEPT] } : statusAnswer(refusal);
}

function readChange(kind: ResourceKind, request: FastifyRequest): Result<Change, Status> {
  if (request.method === 'PUT') {
    const body = objectBody(kind, request);
    return body.ok ? ok(() => body) : body;
  }
  if (mediaType(request.headers['content-type']) === APPLY_PATCH_TYPE) {
    const config = applyBody(request);
    if (!config.ok) return config;
    return ok((read) => ok({ ...config.value, metadata: { ...metadataOf(read), ...metadataOf(config.value) } }));
  }
  const patch = patchBody(kind, request);
  if (!patch.ok) return patch;
  return ok((read) => {
    const patched = patch.value(read);
    return patched.ok ? patched : fail(unprocessablePatch(patched.error));
  });
}

/** Why Kubernetes would not take it: it is not of this object, or not of its present version. */
function refuse(
  options: ApiOptions,
  kind: ResourceKind,
  { object, version }: StoredObject,
  written: JsonObject,
): Status | undefined {
  const { namespace = '', name, uid = '' } = object.metadata;
  const { name: givenName, namespace: givenNamespace, resourceVersion, uid: givenUid } = metadataOf(written);
  // The rest of the object is as it was, whatever is sent.
  const named: JsonObject = {
    ...object,
    apiVersion: written['apiVersion'] ?? apiVersionOf(kind),
    kind: written['kind'] ?? kind.kind,
    metadata: { ...object.metadata, name: givenName ?? '', namespace: givenNamespace ?? namespace },
  };
  const reading = { fieldValidation: 'Ignore', patched: true, newSuffix: nameSuffixes(options) } as const;
  const read = readObject(named, { kind, namespace, name }, reading);
  if (!read.ok) return read.error;
  const faults = written['status'] === undefined ? [] : checkStatus(kind, written['status']);
  if (faults.length > 0) return invalid(kind, name, faults);
  if (typeof resourceVersion === 'string' && resourceVersion !== '' && resourceVersion !== '0') {
    if (resourceVersion !== String(version)) return rejected({ type: 'modified', kind, name });
  } else if (kind.group !== '') return versionMissing(kind, name);
  if (typeof givenUid !== 'string' || givenUid === '' || givenUid === uid) return undefined;
  return rejected({ type: 'preconditionFailed', kind, name, field: 'uid', wanted: givenUid, actual: uid });
}

function metadataOf({ metadata }: JsonObject): JsonObject {
  return isJsonObject(metadata) ? metadata : {};
}
