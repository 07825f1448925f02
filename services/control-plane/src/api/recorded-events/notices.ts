import type { StoredEvent } from '@pulseplane/event-log';
import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';

/** Something that a person who looks at an object should know of. */
export type Notice = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

/** The conditions of a status: what each of them says, by its type and the part of the status that it is in. */
export type Conditions = ReadonlyMap<string, JsonObject>;

/** Reasons that say more when they stand alone. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['Accepted Valid', 'Accepted'],
  ['Attached Pending', 'NotAttached'],
  ['Programmed Invalid', 'Rejected'],
]);

/** How many workers there are is no news, nor how many more refuse the same. */
const WORKER_COUNT = / \(\d+\)$|(?<=^Rejected by \S+) and \d+ more of \d+(?=: )/;

/** The conditions of an object's status, wherever its kind has them. */
export function conditionsIn(status: JsonObject): Conditions {
  const { ancestors, parents, listeners } = status;
  const parts: readonly [part: string, conditions: Json | undefined][] = [
    // Of a policy, those of the whole say again what those of its gateways say.
    ...(ancestors === undefined ? [['', status['conditions']] as [string, Json | undefined]] : []),
    ...objects(ancestors).map(({ ancestorRef, conditions }): [string, Json | undefined] => [
      nameOf(ancestorRef),
      conditions,
    ]),
    ...objects(parents).map(({ parentRef, conditions }): [string, Json | undefined] => [nameOf(parentRef), conditions]),
    ...objects(listeners).map(({ name, conditions }): [string, Json | undefined] => [
      `listener ${text(name)}`,
      conditions,
    ]),
  ];
  const found = parts.flatMap(([part, conditions]) =>
    objects(conditions).map((condition): [string, JsonObject] => [
      `${part} ${text(condition['type'])}`,
      { ...condition, part },
    ]),
  );
  return new Map(found);
}

/** What is new since the conditions were looked at last. A change that was made, but is not worse or better, counts. */
export function noticesOf(before: Conditions | undefined, after: Conditions): readonly Notice[] {
  return [...after].flatMap(([key, condition]) => {
    const known = before?.get(key);
    const notice =
      isNews(condition) && !(known !== undefined && isSame(known, condition)) ? noticeOf(condition) : undefined;
    return notice === undefined ? [] : [notice];
  });
}

/** What an event of the log says beside what follows from it. */
export function noticeOfEvent({ type, restoredFrom, actor }: StoredEvent): Notice | undefined {
  if (restoredFrom === undefined) return undefined;
  const by = `by ${actor.user} through ${actor.via}`;
  return type === 'Created'
    ? { type: 'Normal', reason: 'Undeleted', message: `Brought back from event ${restoredFrom.seq} ${by}` }
    : { type: 'Normal', reason: 'RolledBack', message: `Spec of event ${restoredFrom.seq} brought back ${by}` };
}

/** To wait is no news. Of a listener only a fault of its own is: what its workers say is told of its gateway. */
function isNews({ type, status, reason, part }: JsonObject): boolean {
  if (text(part).startsWith('listener ')) {
    return status === 'False' && (type === 'Accepted' || type === 'ResolvedRefs') && reason !== 'PortUnavailable';
  }
  return !(type === 'Programmed' && reason === 'Pending');
}

function isSame(a: JsonObject, b: JsonObject): boolean {
  return (
    a['status'] === b['status'] &&
    a['reason'] === b['reason'] &&
    a['observedGeneration'] === b['observedGeneration'] &&
    messageOf(a) === messageOf(b)
  );
}

function noticeOf(condition: JsonObject): Notice {
  const { type, status, reason } = condition;
  return {
    type: status === 'True' ? 'Normal' : 'Warning',
    reason: REASONS.get(`${text(type)} ${text(reason)}`) ?? text(reason),
    message: messageOf(condition),
  };
}

function messageOf({ message, part }: JsonObject): string {
  const said = text(message).replace(WORKER_COUNT, '');
  return text(part) === '' ? said : `${text(part)}: ${said}`;
}

/** A Gateway that a condition is about; empty for a summary. */
function nameOf(ref: Json | undefined): string {
  if (!isJsonObject(ref) || (ref['kind'] ?? 'Gateway') !== 'Gateway' || ref['name'] === 'StatusSummary') return '';
  const { namespace, name, sectionName } = ref;
  const place = namespace === undefined ? text(name) : `${text(namespace)}/${text(name)}`;
  return `Gateway ${place}${sectionName === undefined ? '' : ` listener ${text(sectionName)}`}`;
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
