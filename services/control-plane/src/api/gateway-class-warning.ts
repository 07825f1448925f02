import type { EventLog } from '@pulseplane/event-log';
import { GATEWAY, GATEWAY_CLASS, type StoredObject } from '@pulseplane/resources';
import { refOf } from '../command/index.ts';

/** At most so many classes are named. */
const MAX_NAMED = 10;

/** What who writes a gateway should know: that nobody runs it, because there is no such class. */
export function classWarnings(
  log: Pick<EventLog, 'each' | 'object'>,
  { ref, object }: StoredObject,
): readonly string[] {
  if (ref.kind !== GATEWAY.kind) return [];
  const named = String(object.spec?.['gatewayClassName']);
  if (log.object(refOf(GATEWAY_CLASS, '', named)) !== undefined) return [];
  const classes: string[] = [];
  for (const one of log.each({ group: GATEWAY_CLASS.group, kind: GATEWAY_CLASS.kind })) {
    if (classes.push(one.ref.name) === MAX_NAMED) break;
  }
  const there = classes.length === 0 ? 'there is none' : `there is ${classes.join(', ')}`;
  return [`spec.gatewayClassName: no GatewayClass ${JSON.stringify(named)}, so nobody runs the Gateway; ${there}`];
}
