import { type ObjectRef, refKey } from '@pulseplane/resources';
import type { SubjectRow } from './rows.ts';
import type { Statements } from './statements.ts';

/** Subjects that are remembered, so that a busy one is not looked up again for each event. */
const MOST_REMEMBERED = 10_000;

/** The numbers of subjects, and where each stands; the lately used ones in memory too. */
export class SubjectTable {
  readonly #statements: Statements;
  readonly #remembered = new Map<string, SubjectRow | undefined>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Undefined: it has never had an event. */
  find(ref: ObjectRef): SubjectRow | undefined {
    return this.#find(refKey(ref), ref);
  }

  /** Moves a subject on to an event; returns where it stands then, and the event before (0: none). */
  advance(ref: ObjectRef, seq: number, exists: boolean): SubjectRow & { readonly previous: number } {
    const key = refKey(ref);
    const before = this.#find(key, ref);
    const { group, kind, namespace, name } = ref;
    const id = before?.id ?? Number(this.#statements.insertSubject.run(group, kind, namespace, name).lastInsertRowid);
    const version = exists ? seq : 0;
    const revision = (before?.revision ?? 0) + 1;
    this.#statements.setHead.run(id, seq, revision, version);
    const after = { id, newest: seq, revision, version, previous: before?.newest ?? 0 };
    this.#remember(key, after);
    return after;
  }

  /** What is remembered may be from a transaction that was rolled back. */
  forget(): void {
    this.#remembered.clear();
  }

  #find(key: string, { group, kind, namespace, name }: ObjectRef): SubjectRow | undefined {
    const known = this.#remembered.get(key);
    if (known !== undefined || this.#remembered.has(key)) return known;
    return this.#remember(key, this.#statements.subject.get(group, kind, namespace, name));
  }

  #remember(key: string, row: SubjectRow | undefined): SubjectRow | undefined {
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, row);
    return row;
  }
}
