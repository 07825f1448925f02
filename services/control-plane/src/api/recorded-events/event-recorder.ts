import { isDeepStrictEqual } from 'node:util';
import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import type { Projection, Touched } from '@pulseplane/projection';
import {
  AGENTGATEWAY_GROUP,
  GATEWAY_GROUP,
  type JsonObject,
  type ObjectRef,
  refKey,
  type StoredObject,
} from '@pulseplane/resources';
import type { Logger } from '@pulseplane/telemetry';
import type { StatusOf } from '../present.ts';
import { conditionsIn, noticeOfEvent, noticesOf } from './notices.ts';
import type { RecordedEvents } from './recorded-events.ts';

/** Where the recorder looks, and where it writes. */
export type EventRecorderOptions = {
  readonly log: Pick<EventLog, 'object'>;
  readonly statusOf: StatusOf;
  readonly affected: Projection['affected'];
  readonly events: RecordedEvents;
  /** Told of an object whose status is another than at its own last event and than what was told last. */
  readonly onStatus: (ref: ObjectRef) => void;
  readonly logger: Logger;
};

type GatewayName = Touched['gateway'];

/** Statuses of an object: when it was looked at last, and what those who watch it have been told at least. */
type Known = { readonly looked: JsonObject | undefined; readonly told: JsonObject | undefined };

/** The kinds whose status is told of. */
const TOLD: ReadonlySet<string> = new Set([
  `${AGENTGATEWAY_GROUP}/AgentgatewayPolicy`,
  `${GATEWAY_GROUP}/Gateway`,
  `${GATEWAY_GROUP}/HTTPRoute`,
  `${GATEWAY_GROUP}/TCPRoute`,
  `${GATEWAY_GROUP}/TLSRoute`,
]);

/** The kinds that the status of others follows from; what a policy touches is known otherwise. */
const AROUND: ReadonlySet<string> = new Set(['Gateway', 'HTTPRoute', 'AgentgatewayBackend']);

/** Changes within this time are looked at together. */
const SETTLE_MS = 50;

/** How many objects are looked at in one turn, wait to be, and are remembered; of one gateway at most so many routes. */
const MAX_IN_TURN = 32;
const MAX_WAITING = 2_000;
const MAX_KNOWN = 10_000;
const MAX_ROUTES = 32;

/**
 * Turns what follows from the log and from the workers' answers into Events: an object that may have changed is looked
 * at soon after, and what is new in its conditions is recorded. That its status is another is told to those who watch.
 * When more changes than can be looked at, some are not.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #waiting = new Map<string, ObjectRef>();
  readonly #around = new Map<string, ObjectRef>();
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  #changedInTurn = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** An event of the log, and the gateways that it reaches. */
  changed(event: StoredEvent, touched: readonly Touched[]): void {
    const { uid: _, ...ref } = event.subject;
    if (event.type === 'Deleted') {
      this.#known.delete(refKey(ref));
      if (ref.kind === 'Namespace') this.#options.events.removeNamespace(ref.name);
    } else {
      const notice = noticeOfEvent(event);
      const stored = { ref, version: event.seq, changedAt: event.time, object: event.object };
      if (notice !== undefined && isTold(ref)) this.#options.events.record(stored, notice);
      if (isTold(ref)) this.#toldWith(stored);
      this.#look(ref);
    }
    if (AROUND.has(ref.kind)) this.#lookAround(ref);
    for (const { gateway } of touched) this.answered(gateway);
  }

  /** Workers of a gateway have answered, or left. */
  answered(gateway: GatewayName): void {
    this.#lookAround({ group: GATEWAY_GROUP, kind: 'Gateway', ...gateway });
  }

  /** Stops looking. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#around.clear();
  }

  #look(ref: ObjectRef): void {
    if (!isTold(ref) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(refKey(ref), ref);
    this.#schedule();
  }

  /** At the object itself too. */
  #lookAround({ group, kind, namespace, name }: ObjectRef): void {
    const ref = { group, kind, namespace, name };
    if (this.#around.size < MAX_WAITING) this.#around.set(refKey(ref), ref);
    this.#look(ref);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#turn(), SETTLE_MS).unref();
  }

  #turn(): void {
    this.#timer = undefined;
    this.#changedInTurn = 0;
    const { affected, logger } = this.#options;
    try {
      for (const [key, ref] of [...this.#around].slice(0, MAX_IN_TURN)) {
        this.#around.delete(key);
        for (const one of affected(ref, MAX_ROUTES)) this.#look(one);
      }
      for (const [key, ref] of [...this.#waiting].slice(0, MAX_IN_TURN)) {
        this.#waiting.delete(key);
        this.#judge(key, ref);
      }
    } catch (err) {
      logger.warn({ err }, 'what happened to some objects could not be recorded as Events');
    }
    if (this.#waiting.size + this.#around.size > 0) this.#schedule();
  }

  #judge(key: string, ref: ObjectRef): void {
    const { log, statusOf, events, onStatus } = this.#options;
    const stored = log.object(ref);
    const status = stored && statusOf(stored);
    if (stored === undefined || status === undefined) return;
    const known = this.#known.get(key);
    this.#remember(key, { looked: status, told: status });
    if (!isDeepStrictEqual(known?.told, status)) onStatus(ref);
    const notices = noticesOf(known?.looked && conditionsIn(known.looked), conditionsIn(status));
    for (const notice of notices) events.record(stored, notice);
  }

  /**
   * Those who watch are told of an event of the object with its status of now, or a newer one. When many come at once it
   * is not looked at, and they are told again.
   */
  #toldWith(stored: StoredObject): void {
    const key = refKey(stored.ref);
    let told: JsonObject | undefined;
    this.#changedInTurn += 1;
    try {
      if (this.#changedInTurn <= MAX_IN_TURN) told = this.#options.statusOf(stored);
    } catch {
      // It is said when the object is looked at.
    }
    this.#remember(key, { looked: this.#known.get(key)?.looked, told });
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= MAX_KNOWN) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

function isTold({ group, kind }: StoredObject['ref']): boolean {
  return TOLD.has(`${group}/${kind}`);
}
