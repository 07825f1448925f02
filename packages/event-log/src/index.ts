export type { Actor, EventType, NewEvent, RestoredFrom, StoredEvent } from './event.ts';
export type { Append, AppendResult, EventLog, ExpectedVersion, ObjectFilter } from './event-log.ts';
export { type JetStreamOptions, openJetStreamEventLog } from './jetstream/index.ts';
export { createMemoryEventLog } from './memory/memory-event-log.ts';
export { sealedWith } from './sealing/object-seal.ts';
export { sealSecrets } from './sealing/sealed-event-log.ts';
export { newSealingKeyFile, parseSealingKeys, type SealingKey } from './sealing/sealing-key.ts';
export type { CompactionPolicy, CompactionReport } from './sqlite/compaction.ts';
export { lockFile } from './sqlite/file-lock.ts';
export {
  backUpLogFile,
  compactLogFile,
  LOG_FILES,
  type LogFileReport,
  restoreLogFile,
  streamOfLogFile,
  verifyLogFile,
} from './sqlite/log-file.ts';
export { openSqliteEventLog } from './sqlite/sqlite-event-log.ts';
export type { VerifyProblem } from './sqlite/verify.ts';
export { StorageFault, type StorageFaultKind } from './storage-fault.ts';
export { tail } from './tail.ts';
