/** What is wrong with the storage. Reads may still work; nothing was half written. */
export type StorageFaultKind = 'full' | 'read-only' | 'corrupt' | 'unavailable';

/** What became of the command: it was not appended, or nobody can say until the log is read again. */
export type StorageFaultOutcome = 'not-appended' | 'unknown';

/**
 * A fault of the storage. The command was not appended, and may be retried when the fault is mended, unless the outcome
 * is unknown: a retry of that one needs its idempotency key or its expected versions.
 */
export class StorageFault extends Error {
  readonly kind: StorageFaultKind;
  readonly outcome: StorageFaultOutcome;

  constructor(kind: StorageFaultKind, message: string, cause?: unknown, outcome: StorageFaultOutcome = 'not-appended') {
    super(message, { cause });
    this.name = 'StorageFault';
    this.kind = kind;
    this.outcome = outcome;
  }
}
