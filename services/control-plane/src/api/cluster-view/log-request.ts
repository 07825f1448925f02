import type { LogQuery } from '@pulseplane/tunnel';
import { fail, ok, type Result } from '../../command/index.ts';
import { readBoolean, readNumber } from '../watch/watch-request.ts';
import { CONTAINER_NAME } from './kinds.ts';

type Query = Readonly<Record<string, unknown>>;

/** Which lines of a log, and how many bytes of them at most. */
export type LogRequest = { readonly query: LogQuery; readonly limitBytes: number };

/** Reads what Kubernetes' PodLogOptions are in a query; an error begins with the parameter. */
export function readLogRequest(query: Query, pod: string, now: Date): Result<LogRequest, string> {
  const { container = '' } = query;
  if (container !== '' && container !== CONTAINER_NAME) {
    return fail(`container ${String(container)} is not valid for pod ${pod}`);
  }
  if (readBoolean(query, 'previous') === true) {
    return fail(
      `previous terminated container ${JSON.stringify(CONTAINER_NAME)} in pod ${JSON.stringify(pod)} not found`,
    );
  }
  const tailLines = readNumber(query, 'tailLines');
  if (!tailLines.ok) return tailLines;
  const limitBytes = readNumber(query, 'limitBytes');
  if (!limitBytes.ok) return limitBytes;
  const since = readSince(query, now);
  if (!since.ok) return since;
  return ok({
    query: {
      follow: readBoolean(query, 'follow') ?? false,
      timestamps: readBoolean(query, 'timestamps') ?? false,
      // What is beyond the message's range is beyond what a worker keeps, too.
      ...(tailLines.value !== undefined && { tailLines: Math.min(tailLines.value, 0xffff_ffff) }),
      ...(since.value !== undefined && { since: since.value }),
    },
    limitBytes: limitBytes.value ?? Number.POSITIVE_INFINITY,
  });
}

function readSince(query: Query, now: Date): Result<Date | undefined, string> {
  const seconds = readNumber(query, 'sinceSeconds');
  if (!seconds.ok) return seconds;
  const { sinceTime: text = '' } = query;
  if (text === '') {
    const since =
      seconds.value === undefined ? undefined : new Date(Math.max(0, now.getTime() - seconds.value * 1_000));
    return ok(since);
  }
  if (seconds.value !== undefined) return fail('sinceTime: may not be given together with sinceSeconds');
  const time = typeof text === 'string' ? new Date(text) : new Date(Number.NaN);
  return Number.isNaN(time.getTime())
    ? fail(`sinceTime: Invalid value: ${JSON.stringify(text)}: must be a time as in RFC 3339`)
    : ok(time);
}
