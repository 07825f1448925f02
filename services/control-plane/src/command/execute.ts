import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import { GATEWAY, GATEWAY_CLASS, NAMESPACE, type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { type Command, type CommandContext, type Decision, type Rejection, refOf, type State } from './command.ts';
import { decide } from './decide.ts';
import { type Idempotency, isSameRequest, withKey } from './idempotency.ts';
import { inTurn } from './in-turn.ts';
import { fail, ok, type Result } from './result.ts';

/**
 * How often a command is decided again because another writer was faster: one on another replica, or of the namespace
 * that an object is created in.
 */
const MAX_ATTEMPTS = 32;

/** What a command is about, and how it is made of the current object (a patch needs it). */
export type Intent<Failure> = {
  readonly ref: ObjectRef;
  readonly command: (current: StoredObject | undefined) => Result<Command, Failure>;
  /** It most likely creates an object: the log is not asked for one before it has refused the creation. */
  readonly creates?: true;
};

/** The object after the command (before it, when it is gone), and the events that it caused. */
export type Outcome = {
  readonly stored: StoredObject;
  readonly events: readonly StoredEvent[];
  readonly isGone: boolean;
};

type ExecuteOptions = CommandContext & { readonly dryRun: boolean; readonly idempotency?: Idempotency };

/**
 * Reads the state, decides, appends; decides again on the new state when another writer was faster. Writers of one
 * object wait for one another, so that none who names no version is told that it was changed meanwhile.
 * A dry run does all but append. A retried request gets the first try's outcome, whatever has happened since.
 */
export function execute<Failure>(
  log: EventLog,
  intent: Intent<Failure>,
  options: ExecuteOptions,
): Promise<Result<Outcome, Failure | Rejection>> {
  if (options.dryRun) return decideAndAppend(log, intent, options);
  return inTurn(log, refKey(intent.ref), () => decideAndAppend(log, intent, options));
}

async function decideAndAppend<Failure>(
  log: EventLog,
  intent: Intent<Failure>,
  options: ExecuteOptions,
): Promise<Result<Outcome, Failure | Rejection>> {
  for (let attempt = 1; ; attempt++) {
    const first = options.idempotency && log.appended(options.idempotency.key);
    if (first !== undefined) return repeated(first, intent.ref, options.idempotency);
    const presumed = intent.creates === true && attempt === 1 && !options.dryRun;
    const current = presumed ? undefined : log.object(intent.ref);
    const command = intent.command(current);
    if (!command.ok) return command;
    const decided = decideOn(log, intent.ref, command.value, current, options);
    if (!decided.ok) return decided;
    const { append } = decided.value;
    if (options.dryRun || append.events.length === 0) return ok(outcome(decided.value, []));
    const appended = await log.append(withKey(append, options.idempotency));
    if (appended.kind === 'repeated') return repeated(appended.events, intent.ref, options.idempotency);
    if (appended.kind === 'appended') return ok(outcome(decided.value, appended.events));
    if (attempt === MAX_ATTEMPTS) {
      return fail({ type: 'modified', kind: command.value.kind, name: intent.ref.name });
    }
  }
}

/** Decides a command on the objects that are stored. */
export function decideOn(
  objects: Pick<EventLog, 'each' | 'object' | 'objects'>,
  ref: ObjectRef,
  command: Command,
  current: StoredObject | undefined,
  context: CommandContext,
): Result<Decision, Rejection> {
  const isDeleting = current?.object.metadata.deletionTimestamp !== undefined;
  const needsNamespace = command.kind.namespaced && (creates(command) || isDeleting);
  const neighbour = isDeleting && command.kind.namespaced ? firstBeside(objects, ref) : undefined;
  const state: State = {
    current,
    namespace: needsNamespace
      ? (objects.object(refOf(NAMESPACE, '', ref.namespace)) ?? context.seenNamespace?.(ref.namespace))
      : undefined,
    ...(neighbour !== undefined && { neighbour }),
    contents:
      command.kind === NAMESPACE && (command.type === 'delete' || isDeleting)
        ? objects.objects({ namespace: ref.name })
        : [],
    ...(command.kind === GATEWAY_CLASS && command.type === 'delete' && { gateways: gatewaysOf(objects, ref.name) }),
  };
  return decide(command, state, context);
}

/** The gateways of a class; one that comes at the same moment waits for a class, as it would have later. */
function gatewaysOf(objects: Pick<EventLog, 'each'>, gatewayClass: string): readonly ObjectRef[] {
  const gateways: ObjectRef[] = [];
  for (const { ref, object } of objects.each({ group: GATEWAY.group, kind: GATEWAY.kind })) {
    if (object.spec?.['gatewayClassName'] === gatewayClass) gateways.push(ref);
  }
  return gateways;
}

/** The first object of a namespace besides one of them. */
function firstBeside(objects: Pick<EventLog, 'each'>, { namespace, ...own }: ObjectRef): StoredObject | undefined {
  for (const stored of objects.each({ namespace })) {
    if (refKey(stored.ref) !== refKey({ namespace, ...own })) return stored;
  }
  return undefined;
}

function outcome({ ref, object, version, changedAt, isGone }: Decision, events: readonly StoredEvent[]): Outcome {
  const own = events.findLast(({ subject }) => refKey(subject) === refKey(ref));
  return { stored: { ref, object, changedAt: own?.time ?? changedAt, version: own?.seq ?? version }, events, isGone };
}

/** What the first try of a request came to. Of a creation, which may have named its object, it is the last event. */
function repeated(
  events: readonly StoredEvent[],
  ref: ObjectRef,
  idempotency: Idempotency | undefined,
): Result<Outcome, Rejection> {
  const own = events.findLast(({ subject }) => refKey(subject) === refKey(ref)) ?? events.at(-1);
  if (own === undefined || idempotency === undefined || !isSameRequest(events, idempotency)) {
    return fail({ type: 'keyReused', key: idempotency?.key ?? '' });
  }
  const { uid: _, ...subject } = own.subject;
  const { finalizers, ...metadata } = own.object.metadata;
  const isGone = own.type === 'Deleted';
  const object = isGone && finalizers !== undefined ? { ...own.object, metadata } : own.object;
  return ok({ stored: { ref: subject, object, changedAt: own.time, version: own.seq }, events, isGone });
}

function creates(command: Command): boolean {
  return command.type === 'create' || command.type === 'undelete';
}
