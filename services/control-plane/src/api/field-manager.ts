import { cutToFieldManager, type FieldError, fieldManagerFaults, requiredValue } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result } from '../command/index.ts';
import { mediaType } from './body.ts';
import { APPLY_PATCH_TYPE } from './patch.ts';
import { invalidOptions, type Status } from './status.ts';
import { optionsKind } from './write-options.ts';

type Query = { readonly fieldManager?: unknown; readonly force?: unknown };

/** Who owns what a request writes: what it names as its field manager, else what it comes from. */
export function readFieldManager({ method, headers, query }: FastifyRequest): Result<string, Status> {
  const { fieldManager, force } = query as Query;
  const named = typeof fieldManager === 'string' ? fieldManager : '';
  const applies = mediaType(headers['content-type']) === APPLY_PATCH_TYPE;
  const errors: FieldError[] = [...fieldManagerFaults(named, 'fieldManager')];
  if (applies && named === '') errors.push(requiredValue('fieldManager', 'is required for apply patch'));
  if (method === 'PATCH' && !applies && force !== undefined) {
    const message = 'Forbidden: may not be specified for non-apply patch';
    errors.push({ reason: 'FieldValueForbidden', message, field: 'force' });
  }
  if (errors.length > 0) return fail(invalidOptions(optionsKind(method), errors));
  return ok(named === '' ? cutToFieldManager((headers['user-agent'] ?? '').split('/', 1)[0] ?? '') : named);
}

/** Whether an apply takes fields from their owners. */
export function isForced({ query }: FastifyRequest): boolean {
  const { force } = query as Query;
  return force === 'true' || force === '1';
}
