export type { Actor, EventType, NewEvent, StoredEvent } from './event.ts';
export type { Append, AppendResult, EventLog, ExpectedVersion, ObjectFilter } from './event-log.ts';
export { createMemoryEventLog } from './memory/memory-event-log.ts';
export { openSqliteEventLog } from './sqlite/sqlite-event-log.ts';
