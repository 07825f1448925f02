import { createHash } from 'node:crypto';
import type { Actor, StoredEvent } from '@pulseplane/event-log';
import { type KubernetesObject, NAMESPACE, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import {
  execute,
  fail,
  type Idempotency,
  type Intent,
  type Outcome,
  ok,
  type Rejection,
  type Result,
  refOf,
} from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { readFieldManager } from './field-manager.ts';
import { classWarnings } from './gateway-class-warning.ts';
import { lintWarnings } from './lint/lint-object.ts';
import { present } from './present.ts';
import { rejected } from './rejected.ts';
import { IDEMPOTENCY_KEY, invalidParameter, notFound, type Status } from './status.ts';
import type { WriteOptions } from './write-options.ts';

const MAX_VIA_LENGTH = 128;
const MAX_KEY_LENGTH = 255;

/** Runs a request's command as the request's actor, under its idempotency key if it has one. */
export async function run(
  { log, now, newId, logger, clusterView }: ApiOptions,
  request: FastifyRequest,
  intent: Intent<Status>,
  { dryRun }: Pick<WriteOptions, 'dryRun'>,
): Promise<Result<Outcome, Status | Rejection>> {
  const idempotency = idempotencyOf(request);
  if (!idempotency.ok) return idempotency;
  const fieldManager = readFieldManager(request);
  if (!fieldManager.ok) return fieldManager;
  const outcome = await execute(log, intent, {
    actor: actorOf(request),
    fieldManager: fieldManager.value,
    requestId: request.id,
    now: now().toISOString(),
    newId,
    seenNamespace: (name) => clusterView.namespace(name),
    dryRun,
    ...(idempotency.value !== undefined && { idempotency: idempotency.value }),
  });
  // A line costs about a tenth of a write, so nobody pays for it who has not asked for it.
  if (outcome.ok) for (const event of outcome.value.events) logger.debug(writeLine(event), 'written');
  return outcome;
}

/** A committed write for the program's log: who did what to which object, and nothing of what is in it. */
function writeLine({ type, subject: { kind, namespace, name }, seq, actor, requestId }: StoredEvent): object {
  return { type, kind, ...(namespace !== '' && { namespace }), name, seq, user: actor.user, via: actor.via, requestId };
}

/** The object as the command left it, or why it was refused. What is done is said, even if its status cannot be read. */
export function answerWrite(
  options: ApiOptions,
  kind: ResourceKind,
  code: number,
  warnings: readonly string[],
  outcome: Result<Outcome, Status | Rejection>,
): Answer {
  if (!outcome.ok) return { ...statusAnswer(toStatus(outcome.error)), warnings };
  const { stored, events } = outcome.value;
  // A change that was not made changes no status: a dry run of it shows the status that is.
  const judged = events.length > 0 ? stored : options.log.object(stored.ref);
  try {
    const body = present(kind, stored, () => judged && options.statusOf(judged));
    // A change that was made is known by its events; what a dry run would do is asked.
    const notices =
      events.length > 0 ? options.envoyNotices.of(events.map(({ seq }) => seq)) : options.envoyNotices.ofDraft(stored);
    const known = [...warnings, ...classWarnings(options.log, stored), ...lintWarnings(options, stored)];
    return { code, body, warnings: [...known, ...notices] };
  } catch (err) {
    options.logger.error({ ref: stored.ref, err }, 'the status of a written object cannot be read');
    const body = present(kind, stored, () => undefined);
    return { code, body, warnings: [...warnings, 'the status of the object cannot be read now'] };
  }
}

/** Why nothing can be created in a namespace, whatever it is: it is not there, or on its way out. */
export function absentNamespace(
  { log, clusterView }: ApiOptions,
  kind: ResourceKind,
  namespace: string,
): (object: KubernetesObject) => Status | undefined {
  return ({ metadata: { name } }) => {
    if (!kind.namespaced) return undefined;
    const found = log.object(refOf(NAMESPACE, '', namespace)) ?? clusterView.namespace(namespace);
    if (found === undefined) return notFound(NAMESPACE, namespace);
    const isDeleting = found.object.metadata.deletionTimestamp !== undefined;
    return isDeleting ? rejected({ type: 'namespaceTerminating', kind, name, namespace }) : undefined;
  };
}

/** What a refused command is answered with. */
export function toStatus(error: Status | Rejection): Status {
  return 'type' in error ? rejected(error) : error;
}

/** Until there is authentication everybody is anonymous; through what is what the client says it is. */
export function actorOf(request: FastifyRequest): Actor {
  const { fieldManager } = request.query as { readonly fieldManager?: unknown };
  const product = (request.headers['user-agent'] ?? '').split(' ', 1)[0] ?? '';
  const said = typeof fieldManager === 'string' && fieldManager !== '' ? fieldManager : product;
  // Cut by characters, not by halves of them: a lone half would be stored as another text than was hashed.
  const via = said.length <= MAX_VIA_LENGTH ? said : [...said].slice(0, MAX_VIA_LENGTH).join('');
  return { user: 'anonymous', via: via === '' ? 'unknown' : via };
}

/** A retry is the same request to the byte; anything else under the same key is another request. */
function idempotencyOf(request: FastifyRequest): Result<Idempotency | undefined, Status> {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return ok(undefined);
  if (typeof key !== 'string' || !/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY_LENGTH) {
    const rule = `must be 1 to ${MAX_KEY_LENGTH} printable ASCII characters without spaces`;
    return fail(invalidParameter(IDEMPOTENCY_KEY, String(key), rule));
  }
  const hash = createHash('sha256');
  for (const part of [request.method, request.url, request.headers['content-type'] ?? '']) hash.update(`${part}\n`);
  if (request.body instanceof Uint8Array) hash.update(request.body);
  return ok({ key, digest: hash.digest('base64url').slice(0, 22) });
}
