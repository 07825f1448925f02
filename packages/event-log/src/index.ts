export type { Actor, EventType, NewEvent, RestoredFrom, StoredEvent } from './event.ts';
export type { Append, AppendResult, EventLog, ExpectedVersion, ObjectFilter } from './event-log.ts';
export { createMemoryEventLog } from './memory/memory-event-log.ts';
export type { CompactionPolicy, CompactionReport } from './sqlite/compaction.ts';
export { backUpLogFile, compactLogFile, restoreLogFile, verifyLogFile } from './sqlite/log-file.ts';
export { openSqliteEventLog } from './sqlite/sqlite-event-log.ts';
export type { VerifyProblem, VerifyReport } from './sqlite/verify.ts';
export { StorageFault, type StorageFaultKind } from './storage-fault.ts';
export { tail } from './tail.ts';
