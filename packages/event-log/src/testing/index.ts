export { Database } from '../sqlite/driver.ts';
export { wrapEventLog } from '../wrap-event-log.ts';
export { type EventLogFactory, eventLogContract, policyEvent, policyRef } from './event-log-contract.ts';
export { NatsServer, whyNoNatsServer } from './nats-server.ts';
