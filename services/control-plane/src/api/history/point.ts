import type { EventLog } from '@pulseplane/event-log';
import type { ObjectRef } from '@pulseplane/resources';
import { fail, ok, type Result } from '../../command/index.ts';
import { compactedAway, invalidParameter, type Status } from '../status.ts';

const SEQUENCE = /^[0-9]{1,15}$/;
/** RFC 3339. A `+` that nobody escaped comes out of a query as a blank. */
const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+ -]\d{2}:\d{2})$/;

/**
 * Reads a point in the log's time: a sequence number, or a time in RFC 3339 up to now. Gives the sequence number. Below
 * the floor of a compacted log a sequence number is known for an object of which an event up to it was kept.
 */
export function readPoint(
  log: EventLog,
  field: string,
  value: string,
  now: Date,
  about?: ObjectRef,
): Result<number, Status> {
  const isSequence = SEQUENCE.test(value);
  const point = isSequence ? sequence(log, field, value) : time(log, field, value, now);
  if (!point.ok) return point;
  // Before the first event there was nothing, which is known; before the floor of a compacted log it is not.
  const isKnown =
    point.value >= log.floor() ||
    (point.value === 0 && log.floor() === 1) ||
    (isSequence && about !== undefined && log.history(about, { before: point.value + 1, limit: 1 }).length > 0);
  return isKnown ? point : fail(compactedAway(field, point.value, log.floor()));
}

function sequence(log: EventLog, field: string, value: string): Result<number, Status> {
  const seq = Number(value);
  if (seq >= 1 && seq <= log.head()) return ok(seq);
  return fail(invalidParameter(field, seq, `must be from 1 to ${log.head()}, the newest sequence number`));
}

function time(log: EventLog, field: string, value: string, now: Date): Result<number, Status> {
  const milliseconds = parseTime(value);
  if (milliseconds === undefined) {
    return fail(invalidParameter(field, value, 'must be a sequence number or a time in RFC 3339'));
  }
  if (milliseconds > now.getTime()) {
    return fail(invalidParameter(field, value, `must not be after now, ${now.toISOString()}`));
  }
  return ok(log.seqAt(new Date(milliseconds).toISOString()));
}

function parseTime(value: string): number | undefined {
  const [, local, fraction = '', zone] = TIME.exec(value) ?? [];
  if (local === undefined || zone === undefined) return undefined;
  // The 30th of February would be read as a day in March.
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== local) return undefined;
  const milliseconds = Date.parse(`${local}${fraction}${zone.replace(' ', '+')}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}
