/** What is wrong with the storage. Reads may still work; nothing was half written. */
export type StorageFaultKind = 'full' | 'read-only' | 'corrupt' | 'unavailable';

/** A fault of the storage: the command was not appended, and may be retried when the fault is mended. */
export class StorageFault extends Error {
  readonly kind: StorageFaultKind;

  constructor(kind: StorageFaultKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageFault';
    this.kind = kind;
  }
}
