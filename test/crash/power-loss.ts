import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** What becomes of writes that no sync had covered when the power went. */
export type UnsyncedWrites = 'lost' | 'some' | 'torn';

type Change =
  | { readonly kind: 'write'; readonly index: number; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly index: number; readonly length: number };

type JournalRecord = { readonly name: string } & (
  | Change
  | { readonly kind: 'unlink'; readonly index: number }
  /** Of a file, or of the directory, whose name is empty. It covers the records before an index. */
  | { readonly kind: 'sync'; readonly index: number; readonly covers: number }
);

const HEADER_BYTES = 32;

/** A file apart from its name: what it held, and what was done to it since. */
type Inode = { readonly before: Buffer; readonly changes: Change[]; covered: number };

/** A name that came or went. */
type NameChange = { readonly index: number; readonly name: string; readonly inode: Inode | undefined };

/**
 * Makes the directory `to` as a disk would have it after a power loss, from the directory as it was before (`from`)
 * and the shim's journal since. A name that came or went counts only after a sync of the directory, as POSIX has it.
 */
export function losePower(
  { from, to, journal }: { readonly from: string; readonly to: string; readonly journal: string },
  unsynced: UnsyncedWrites,
  random: RandomGenerator,
): void {
  const durable = new Map<string, Inode>();
  for (const name of readdirSync(from)) {
    durable.set(name, { before: readFileSync(join(from, name)), changes: [], covered: 0 });
  }
  const current = new Map(durable);
  const names: NameChange[] = [];
  let namesCovered = 0;
  for (const record of existsSync(journal) ? readJournal(journal) : []) {
    const { index, name } = record;
    if (record.kind === 'sync' && name === '') {
      namesCovered = record.covers;
      continue;
    }
    let inode = current.get(name);
    if (record.kind === 'unlink') {
      current.delete(name);
      names.push({ index, name, inode: undefined });
      continue;
    }
    if (inode === undefined) {
      inode = { before: Buffer.alloc(0), changes: [], covered: 0 };
      current.set(name, inode);
      names.push({ index, name, inode });
    }
    if (record.kind === 'sync') inode.covered = Math.max(inode.covered, record.covers);
    else inode.changes.push(record);
  }
  for (const { index, name, inode } of names) {
    if (index >= namesCovered) continue;
    if (inode === undefined) durable.delete(name);
    else durable.set(name, inode);
  }
  mkdirSync(to);
  for (const [name, inode] of durable) writeFileSync(join(to, name), contentAfter(inode, unsynced, random));
}

function contentAfter({ before, changes, covered }: Inode, unsynced: UnsyncedWrites, random: RandomGenerator): Buffer {
  const synced = changes.filter(({ index }) => index < covered);
  const loose = changes.filter(({ index }) => index >= covered);
  return applyAll(before, [...synced, ...survivors(loose, unsynced, random)]);
}

function survivors(loose: readonly Change[], unsynced: UnsyncedWrites, random: RandomGenerator): readonly Change[] {
  switch (unsynced) {
    case 'lost':
      return [];
    case 'some':
      // A disk writes in any order.
      return loose.filter(() => uniformFloat64(random) < 0.5);
    case 'torn': {
      const whole = loose.slice(0, uniformInt(random, 0, loose.length));
      const next = loose[whole.length];
      if (next?.kind !== 'write') return whole;
      return [...whole, { ...next, data: next.data.subarray(0, uniformInt(random, 0, next.data.length)) }];
    }
  }
}

function applyAll(before: Buffer, changes: readonly Change[]): Buffer {
  let length = before.length;
  const content = Buffer.alloc(changes.reduce((most, change) => Math.max(most, endOf(change)), length));
  before.copy(content);
  for (const change of changes) {
    if (change.kind === 'write') {
      change.data.copy(content, change.offset);
      length = Math.max(length, endOf(change));
    } else {
      // What grows again later holds zeros until it is written.
      content.fill(0, change.length);
      length = change.length;
    }
  }
  return content.subarray(0, length);
}

function endOf(change: Change): number {
  return change.kind === 'write' ? change.offset + change.data.length : change.length;
}

/** The records of power-loss-shim.c. The last one may be cut off, when the process was killed as it wrote it. */
function readJournal(path: string): readonly JournalRecord[] {
  const bytes = readFileSync(path);
  const records: JournalRecord[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const type = bytes.readUInt32LE(at);
    const nameLength = bytes.readUInt32LE(at + 4);
    const offset = Number(bytes.readBigUInt64LE(at + 8));
    const dataLength = Number(bytes.readBigUInt64LE(at + 16));
    const covers = Number(bytes.readBigUInt64LE(at + 24));
    const dataAt = at + HEADER_BYTES + nameLength;
    if (dataAt + dataLength > bytes.length) break;
    const name = bytes.toString('utf8', at + HEADER_BYTES, dataAt);
    const index = records.length;
    if (type === 1)
      records.push({ kind: 'write', index, name, offset, data: bytes.subarray(dataAt, dataAt + dataLength) });
    else if (type === 2) records.push({ kind: 'truncate', index, name, length: offset });
    else if (type === 3) records.push({ kind: 'unlink', index, name });
    else if (type === 4) records.push({ kind: 'sync', index, name, covers });
    else throw new Error(`${path}: record ${index} is of type ${type}`);
    at = dataAt + dataLength;
  }
  return records;
}
