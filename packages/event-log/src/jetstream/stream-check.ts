import { createHash } from 'node:crypto';
import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { StorageFault } from '../storage-fault.ts';
import type { Position } from './position-table.ts';

export type StreamOptions = { readonly stream: string; readonly subject: string; readonly replicas: number };

const STREAM_NOT_FOUND = 10_059;

/** The stream's state. It is created only for a file that has never followed one. */
export async function findStream(
  jsm: JetStreamManager,
  { stream, subject, replicas }: StreamOptions,
  position: Position | undefined,
): Promise<StreamInfo> {
  try {
    return await jsm.streams.info(stream);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
  }
  if (position !== undefined) {
    throw different(stream, `it is gone, and this replica has folded ${position.seq} messages of it`);
  }
  return await jsm.streams.add({
    name: stream,
    subjects: [subject],
    storage: 'file',
    retention: 'limits',
    // Rather refuse a new message than forget an old one.
    discard: 'new',
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
  });
}

/** Why the stream's own settings could lose what it acknowledged, one sentence each. */
export function streamWeaknesses({ config }: StreamInfo, { subject, replicas }: StreamOptions): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [config.storage !== 'file', 'it is kept in memory'],
    [config.retention !== 'limits', `its retention is ${config.retention}, not limits`],
    [config.num_replicas < replicas, `it has ${config.num_replicas} replicas, fewer than ${replicas}`],
    [config.max_age > 0, 'it drops messages by their age'],
    [config.max_msgs > 0 && config.discard !== 'new', 'it drops old messages above max_msgs'],
    [config.max_bytes > 0 && config.discard !== 'new', 'it drops old messages above max_bytes'],
    [config.max_msgs_per_subject > 0, 'it drops old messages above max_msgs_per_subject'],
    [config.no_ack === true, 'it acknowledges nothing'],
    [config.persist_mode === 'async', 'it acknowledges before it writes'],
    [config.subjects.length !== 1 || config.subjects[0] !== subject, `its subject is not ${subject} alone`],
  ];
  return rules.flatMap(([broken, why]) => (broken ? [why] : []));
}

/** Throws a StorageFault unless the stream is the one that the file has followed, and still holds what was folded. */
export async function checkIdentity(jsm: JetStreamManager, info: StreamInfo, position: Position): Promise<void> {
  const { stream, created, seq, digest } = position;
  const { state } = info;
  if (info.config.name !== stream) throw different(stream, `it is named ${info.config.name} now`);
  if (info.created !== created) throw different(stream, `it was created ${info.created}, not ${created}`);
  if (state.last_seq < seq) throw different(stream, `it ends at ${state.last_seq}, and this replica has folded ${seq}`);
  if (state.first_seq > seq + 1) throw different(stream, `it begins at ${state.first_seq}, and ${seq + 1} is needed`);
  if (seq === 0 || state.first_seq > seq) return;
  const message = await jsm.streams.getMessage(stream, { seq });
  const actual = message === null ? undefined : createHash('sha256').update(message.data).digest('hex');
  if (actual !== digest) throw different(stream, `its message ${seq} is not the one that this replica has folded`);
}

function different(stream: string, why: string): StorageFault {
  return new StorageFault('unavailable', `the stream ${stream} came back different: ${why}`);
}
