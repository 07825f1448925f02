import { invalidValue, isJsonObject, type Json, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Answer, statusAnswer } from '../answer.ts';
import { parseProtobuf, type Shape } from '../protobuf.ts';
import { readObject } from '../read-object.ts';
import { objectBody } from '../request-body.ts';
import { invalid } from '../status.ts';
import { actorOf } from '../write.ts';
import { readWriteOptions } from '../write-options.ts';
import { accessRules, pathAccess, resourceAccess } from './access.ts';
import { SELF_SUBJECT_ACCESS_REVIEW, SELF_SUBJECT_REVIEW } from './kinds.ts';

/** The specs in Kubernetes' protobuf, which kubectl sends (k8s.io/api/authorization/v1/generated.proto). */
const ACCESS_SHAPE: Shape = {
  resourceAttributes: [1, { namespace: 1, verb: 2, group: 3, version: 4, resource: 5, subresource: 6, name: 7 }],
  nonResourceAttributes: [2, { path: 1, verb: 2 }],
};
const RULES_SHAPE: Shape = { namespace: 1 };

/** POST: a question about the asker, which is answered in its status and not stored. */
export function createReview(kind: ResourceKind, request: FastifyRequest): Answer {
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const body = objectBody(kind, request, (bytes) => parseProtobuf(bytes, shapeOf(kind)));
  if (!body.ok) return statusAnswer(body.error);
  const { metadata = {}, ...question } = body.value;
  if (!isBlank(metadata)) return statusAnswer(invalid(kind, '', [invalidValue('metadata', metadata, 'must be empty')]));
  // Every object that is read has a name; a question has none, so it is given one here and loses it below.
  const named = { ...question, metadata: { name: 'self' } };
  const { fieldValidation } = writing.value;
  const read = readObject(named, { kind, namespace: '' }, { fieldValidation, patched: false, newSuffix: () => '' });
  if (!read.ok) return statusAnswer(read.error);
  const { object, warnings } = read.value;
  const { apiVersion, kind: kindName, spec } = object;
  const status = statusOf(kind, spec ?? {}, request);
  return {
    code: 201,
    body: { apiVersion, kind: kindName, metadata: {}, ...(spec !== undefined && { spec }), status },
    warnings,
  };
}

function shapeOf(kind: ResourceKind): Shape {
  if (kind === SELF_SUBJECT_REVIEW) return {};
  return { spec: [2, kind === SELF_SUBJECT_ACCESS_REVIEW ? ACCESS_SHAPE : RULES_SHAPE] };
}

function statusOf(kind: ResourceKind, spec: JsonObject, request: FastifyRequest): object {
  if (kind === SELF_SUBJECT_REVIEW) {
    return { userInfo: { username: actorOf(request).user, groups: ['system:unauthenticated'] } };
  }
  if (kind !== SELF_SUBJECT_ACCESS_REVIEW) return accessRules();
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (isJsonObject(path)) return pathAccess({ verb: textOf(path, 'verb'), path: textOf(path, 'path') });
  const of = (field: string) => (isJsonObject(resource) ? textOf(resource, field) : '');
  return resourceAccess({
    verb: of('verb'),
    group: of('group'),
    resource: of('resource'),
    subresource: of('subresource'),
  });
}

function textOf(object: JsonObject, field: string): string {
  const value = object[field];
  return typeof value === 'string' ? value : '';
}

/** Go's clients send the time of creation as null. */
function isBlank(metadata: Json): boolean {
  return metadata === null || (isJsonObject(metadata) && Object.values(metadata).every((value) => value === null));
}
