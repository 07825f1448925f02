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
  /** While this is so nothing is looked at: it would take long. Absent: never. */
  readonly isLoading?: () => boolean;
  readonly logger: Logger;
};

type GatewayName = Touched['gateway'];

/** What is known of an object since its last event. */
type Known = {
  /** The object's version of then. */
  readonly version: number;
  /** Its status when it was looked at last, before the event too. */
  readonly looked: JsonObject | undefined;
  /** What was shown of its status to anybody: nothing, one status, or several. Who watches has what was shown. */
  readonly shown: JsonObject | 'several' | undefined;
};

/** An object around which others are looked at: what comes first on it alone, or all that follows from it or its workers. */
type Around = { readonly ref: ObjectRef; readonly what: 'first on it' | 'its policies' | 'all' };

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

/** After so much looking others have their turn, for at least so long: a write never waits for more than one look. */
const TURN_MS = 2;
const PAUSE_MS = 10;

/** How many objects wait to be looked at, and are remembered; of one gateway at most so many routes. */
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
  readonly #around = new Map<string, Around>();
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;
  /** Since the last look. */
  #lastAnswered: GatewayName | undefined;

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
      // Who watches is told of the event with the status of when it is told: here it is not computed.
      const looked = this.#known.get(refKey(ref))?.looked;
      if (isTold(ref)) this.#remember(refKey(ref), { version: event.seq, looked, shown: undefined });
      this.#look(ref);
    }
    if (AROUND.has(ref.kind)) this.#lookAround(ref, 'all');
    for (const { gateway, part } of touched) {
      if (part === undefined) this.#lookAround(gatewayRef(gateway), 'all');
      else {
        this.#look(gatewayRef(gateway));
        this.#lookAround(refOfKey(part), 'first on it');
      }
    }
  }

  /** Workers of a gateway have answered, or left, or all of them were told of a change. */
  answered(gateway: GatewayName): void {
    // Thousands of a gateway answer a change.
    if (gateway === this.#lastAnswered) return;
    this.#lastAnswered = gateway;
    this.#lookAround(gatewayRef(gateway), 'its policies');
  }

  /** The same statuses, and it is known of them that they were shown. */
  shown(statusOf: StatusOf): StatusOf {
    return (stored) => {
      const status = statusOf(stored);
      if (status !== undefined && isTold(stored.ref)) this.#noteShown(stored, status);
      return status;
    };
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
  #lookAround({ group, kind, namespace, name }: ObjectRef, what: Around['what']): void {
    const ref = { group, kind, namespace, name };
    const key = refKey(ref);
    const wanted = this.#around.get(key)?.what;
    if (this.#around.size < MAX_WAITING && (wanted === undefined || wanted === 'first on it' || what === 'all')) {
      this.#around.set(key, { ref, what });
    }
    this.#look(ref);
    this.#schedule();
  }

  #schedule(ms = SETTLE_MS): void {
    this.#timer ??= setTimeout(() => this.#turn(), ms).unref();
  }

  #turn(): void {
    this.#timer = undefined;
    this.#lastAnswered = undefined;
    const { affected, isLoading, logger } = this.#options;
    if (isLoading?.() === true) {
      this.#schedule();
      return;
    }
    const until = performance.now() + TURN_MS;
    try {
      for (const [key, { ref, what }] of this.#around) {
        this.#around.delete(key);
        for (const one of affected(ref, what === 'first on it' ? 0 : MAX_ROUTES)) {
          // What workers say of their gateway is in no route's status.
          if (what === 'all' || one.kind === 'AgentgatewayPolicy') this.#look(one);
        }
        if (performance.now() > until) break;
      }
      for (const [key, ref] of this.#waiting) {
        this.#waiting.delete(key);
        this.#judge(key, ref);
        if (performance.now() > until) break;
      }
    } catch (err) {
      logger.warn({ err }, 'what happened to some objects could not be recorded as Events');
    }
    if (this.#waiting.size + this.#around.size > 0) this.#schedule(PAUSE_MS);
  }

  #judge(key: string, ref: ObjectRef): void {
    const { log, statusOf, events, onStatus } = this.#options;
    const stored = log.object(ref);
    const status = stored && statusOf(stored);
    if (stored === undefined || status === undefined) return;
    const known = this.#known.get(key);
    this.#remember(key, { version: stored.version, looked: status, shown: status });
    if (!isShown(known, stored, status)) onStatus(ref);
    const notices = noticesOf(known?.looked && conditionsIn(known.looked), conditionsIn(status));
    for (const notice of notices) events.record(stored, notice);
  }

  #noteShown({ ref, version }: StoredObject, status: JsonObject): void {
    const key = refKey(ref);
    const known = this.#known.get(key);
    // Of another version there was or will be an event of its own.
    if (known === undefined || known.version !== version || known.shown === 'several') return;
    if (known.shown !== undefined && isDeepStrictEqual(known.shown, status)) return;
    this.#known.set(key, { ...known, shown: known.shown === undefined ? status : 'several' });
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

function gatewayRef({ namespace, name }: GatewayName): ObjectRef {
  return { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name };
}

/** No part of a ref has a slash. */
function refOfKey(key: string): ObjectRef {
  const [group = '', kind = '', namespace = '', name = ''] = key.split('/');
  return { group, kind, namespace, name };
}

/** Whether everybody who was told of an object has this status of it; where nobody was, who is told will have it. */
function isShown(known: Known | undefined, { version }: StoredObject, status: JsonObject): boolean {
  return known?.version === version && (known.shown === undefined || isDeepStrictEqual(known.shown, status));
}
