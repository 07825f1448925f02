import { GATEWAY, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import type { Answer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { getEffective } from './effective-handler.ts';
import { getDiff, getHistory } from './history-handlers.ts';
import { rollbackObject, undeleteObject } from './restore-handlers.ts';

type Handler = (options: ApiOptions, kind: ResourceKind, request: FastifyRequest) => Answer | Promise<Answer>;

/** A path below an object's, with its one method. */
type Subresource = {
  readonly name: string;
  readonly handlers: { readonly GET?: Handler; readonly POST?: Handler };
  /** The kind of pulseplane.dev/v1 that it answers with; absent: with the object itself. */
  readonly answers?: string;
};

const OF_EVERY_KIND: readonly Subresource[] = [
  { name: 'history', handlers: { GET: getHistory }, answers: 'ObjectHistory' },
  { name: 'diff', handlers: { GET: getDiff }, answers: 'ObjectDiff' },
  { name: 'rollback', handlers: { POST: rollbackObject } },
  { name: 'undelete', handlers: { POST: undeleteObject } },
];

/** The paths below an object that see its past and bring it back. */
export function historySubresources(kind: ResourceKind): readonly Subresource[] {
  const effective = { name: 'effective', handlers: { GET: getEffective }, answers: 'EffectiveConfig' };
  return kind === GATEWAY ? [...OF_EVERY_KIND, effective] : OF_EVERY_KIND;
}
