export { type EventLogFactory, eventLogContract, policyEvent, policyRef } from './event-log-contract.ts';
export { wrapEventLog } from './wrap-event-log.ts';
