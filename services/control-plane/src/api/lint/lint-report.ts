import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventLog, ObjectFilter } from '@pulseplane/event-log';
import { type Finding, RULE_IDS, SEVERITIES } from '@pulseplane/lint';
import { NAMESPACE, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import type { FastifyInstance } from 'fastify';
import { fail, ok, type Result, refOf } from '../../command/index.ts';
import { type Answer, sendAnswer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { HISTORY_API_VERSION } from '../history/history-handlers.ts';
import { MAX_FINDINGS } from '../limits.ts';
import { invalidParameter, type Status } from '../status.ts';
import { LINTED_KINDS, lintStored } from './lint-object.ts';

/** How many objects are looked at before other requests have their turn. */
const PAGE_SIZE = 200;

type Query = Readonly<Record<string, unknown>>;
type Wanted = { readonly namespace?: string; readonly severity?: string; readonly rule?: string };

/** `GET /v1/lint`: what the rules say of all objects. */
export function addLintReport(app: FastifyInstance, options: ApiOptions): void {
  app.get('/v1/lint', async (request, reply) => {
    const wanted = readWanted(request.query as Query);
    return sendAnswer(request, reply, wanted.ok ? await report(options, wanted.value) : statusAnswer(wanted.error));
  });
}

async function report(options: ApiOptions, wanted: Wanted): Promise<Answer> {
  const items: Finding[] = [];
  let left = 0;
  for (const kind of LINTED_KINDS) {
    for await (const page of pages(options.log, kind, wanted.namespace)) {
      for (const finding of page.flatMap((stored) => lintStored(options, stored))) {
        if (!isWanted(finding, wanted)) continue;
        if (items.length < MAX_FINDINGS) items.push(finding);
        else left += 1;
      }
    }
  }
  const metadata = left === 0 ? {} : { remainingItemCount: left };
  return { code: 200, body: { kind: 'LintReport', apiVersion: HISTORY_API_VERSION, metadata, items } };
}

/** The objects of a kind, in one namespace or in all, as they are when their page's turn comes. */
async function* pages(
  log: EventLog,
  kind: ResourceKind,
  namespace: string | undefined,
): AsyncGenerator<readonly StoredObject[]> {
  if (kind === NAMESPACE && namespace !== undefined) {
    const stored = log.object(refOf(NAMESPACE, '', namespace));
    if (stored !== undefined) yield [stored];
    return;
  }
  const filter = { group: kind.group, kind: kind.kind, ...(namespace !== undefined && { namespace }) };
  for (let last: StoredObject | undefined; ; ) {
    const page = take(log, last === undefined ? filter : { ...filter, after: last.ref });
    if (page.length === 0) return;
    yield page;
    last = page.at(-1);
    await nextTurn();
  }
}

function take(log: EventLog, filter: ObjectFilter): readonly StoredObject[] {
  const page: StoredObject[] = [];
  for (const stored of log.each(filter)) {
    page.push(stored);
    if (page.length === PAGE_SIZE) break;
  }
  return page;
}

function isWanted({ severity, rule }: Finding, wanted: Wanted): boolean {
  return (
    (wanted.severity === undefined || severity === wanted.severity) &&
    (wanted.rule === undefined || rule === wanted.rule)
  );
}

function readWanted(query: Query): Result<Wanted, Status> {
  const { namespace, severity, rule } = query;
  if (namespace !== undefined && typeof namespace !== 'string') {
    return fail(invalidParameter('namespace', String(namespace), 'may be given once'));
  }
  for (const [name, value, known] of [
    ['severity', severity, SEVERITIES],
    ['rule', rule, RULE_IDS],
  ] as const) {
    if (value !== undefined && !known.some((one) => one === value)) {
      return fail(invalidParameter(name, String(value), `must be one of ${known.join(', ')}`));
    }
  }
  return ok({
    ...(namespace !== undefined && { namespace }),
    ...(typeof severity === 'string' && { severity }),
    ...(typeof rule === 'string' && { rule }),
  });
}
