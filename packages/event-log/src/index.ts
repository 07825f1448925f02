export type { Actor, EventType, NewEvent, StoredEvent } from './event.ts';
export type { Append, AppendResult, EventLog, ExpectedVersion, ObjectFilter } from './event-log.ts';
