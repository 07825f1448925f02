import type { InspectedLog } from '../../packages/event-log/src/testing/inspect-file.ts';
import type { Action, Write } from './writes.ts';

type StoredEvent = InspectedLog['events'][number];
type Acknowledged = Write & { readonly outcome: { readonly kind: 'acknowledged' } };

const TYPES: Readonly<Record<Action, StoredEvent['type']>> = {
  create: 'Created',
  update: 'SpecChanged',
  delete: 'Deleted',
};

/**
 * What the log owes its clients: each acknowledged write exactly once, in order and with its content; each
 * unanswered one at most once and whole; nothing that was refused or that nobody sent.
 */
export function checkWrites(events: readonly StoredEvent[], writes: readonly Write[]): readonly string[] {
  const byMarker = groupByMarker(events);
  const sent = new Set(writes.map(({ marker }) => marker));
  const faults: string[] = [];
  for (const [via, [first]] of byMarker) {
    if (!sent.has(via) && via !== 'bootstrap') faults.push(`event ${first?.seq} comes from ${via}, which nobody sent`);
  }
  for (const write of writes) {
    const own = byMarker.get(write.marker) ?? [];
    const what = `${write.action} ${write.target.namespace}/${write.target.name} (${write.marker})`;
    for (const fault of checkWrite(write, own)) faults.push(`${what}: ${fault}`);
  }
  return [...faults, ...checkOrder(byMarker, writes.filter(isAcknowledged)), ...checkNamespaces(events)];
}

function groupByMarker(events: readonly StoredEvent[]): ReadonlyMap<string, readonly StoredEvent[]> {
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const group = groups.get(event.actor.via);
    if (group === undefined) groups.set(event.actor.via, [event]);
    else group.push(event);
  }
  return groups;
}

function checkWrite({ marker, action, target, outcome }: Write, own: readonly StoredEvent[]): readonly string[] {
  const last = own.at(-1);
  if (outcome.kind === 'refused') {
    if (last !== undefined) return [`refused with ${outcome.status}, but it is event ${last.seq}`];
    return mayBeRefused(target.name) ? [] : [`refused with ${outcome.status}, although nobody else writes it`];
  }
  if (last === undefined) return outcome.kind === 'acknowledged' ? ['acknowledged and lost'] : [];
  const faults: string[] = [];
  const isNamespaceDeletion = action === 'delete' && target.namespace === '';
  if (own.length > 1 && !isNamespaceDeletion) faults.push(`happened ${own.length} times`);
  if (own.some(({ seq }, index) => seq !== (own[0]?.seq ?? 0) + index)) faults.push('its events are not in one piece');
  if (last.type !== TYPES[action] || last.subject.name !== target.name || last.subject.namespace !== target.namespace) {
    faults.push(`event ${last.seq} is ${last.type} of ${last.subject.namespace}/${last.subject.name}`);
  }
  if (action !== 'delete' && target.namespace !== '' && hostOf(last) !== marker) {
    faults.push(`event ${last.seq} has other content: ${JSON.stringify(last.object)}`);
  }
  if (outcome.kind === 'acknowledged') {
    if (last.requestId !== outcome.requestId) faults.push(`event ${last.seq} is of another request`);
    if (outcome.version !== undefined && outcome.version !== last.seq) {
      faults.push(`acknowledged as version ${outcome.version}, but it is event ${last.seq}`);
    }
  }
  return faults;
}

/** A write that was sent after another was acknowledged comes after it in the log. */
function checkOrder(
  byMarker: ReadonlyMap<string, readonly StoredEvent[]>,
  writes: readonly Acknowledged[],
): readonly string[] {
  const placed = writes
    .flatMap((write) => {
      const seq = byMarker.get(write.marker)?.at(-1)?.seq;
      return seq === undefined ? [] : [{ write, seq }];
    })
    .sort((a, b) => b.seq - a.seq);
  const faults: string[] = [];
  let earliest: { readonly at: number; readonly marker: string } | undefined;
  for (const { write } of placed) {
    if (earliest !== undefined && earliest.at < write.sentAt) {
      faults.push(`${write.marker} was sent after ${earliest.marker} was acknowledged, but is before it in the log`);
    }
    const { at } = write.outcome;
    if (earliest === undefined || at < earliest.at) earliest = { at, marker: write.marker };
  }
  return faults;
}

/** A command of several events is there as a whole: at no event is an object in a namespace that does not exist. */
function checkNamespaces(events: readonly StoredEvent[]): readonly string[] {
  const inside = new Map<string, number>();
  const faults: string[] = [];
  for (const { seq, type, subject } of events) {
    const isNamespace = subject.namespace === '';
    const space = isNamespace ? subject.name : subject.namespace;
    const count = inside.get(space);
    if (isNamespace && type === 'Created') inside.set(space, 0);
    else if (count === undefined) faults.push(`event ${seq} is in namespace ${space}, which does not exist`);
    else if (isNamespace && type === 'Deleted') {
      if (count !== 0) faults.push(`event ${seq} deletes namespace ${space} with ${count} objects in it`);
      inside.delete(space);
    } else if (type === 'Created') inside.set(space, count + 1);
    else if (type === 'Deleted') inside.set(space, count - 1);
  }
  return faults;
}

/** On the names that all clients share somebody else may be faster. */
function mayBeRefused(name: string): boolean {
  return name.startsWith('shared-');
}

function hostOf({ object }: StoredEvent): string | undefined {
  const spec = object.spec as { readonly static?: { readonly host?: string } } | undefined;
  return spec?.static?.host;
}

function isAcknowledged(write: Write): write is Acknowledged {
  return write.outcome.kind === 'acknowledged';
}
