import { type NewEvent, openSqliteEventLog } from '@pulseplane/event-log';
import { AGENTGATEWAY_BACKEND, validateObject } from '@pulseplane/resources';
import { eventOf, namespaceEvents, OBJECTS, objectOf, VERSIONS } from './content.ts';

const EVENTS_AN_APPEND = 10_000;

/** Fills a log's file through its port, with objects that the API would accept. */
export async function fillLog(file: string): Promise<void> {
  const { errors, unknown } = validateObject(AGENTGATEWAY_BACKEND, objectOf(0, 1));
  if (errors.length + unknown.length > 0)
    throw new Error(`the API would refuse: ${JSON.stringify({ errors, unknown })}`);
  const log = openSqliteEventLog(file);
  const append = async (events: readonly NewEvent[]): Promise<void> => {
    await log.append({ expected: [], events });
  };
  try {
    await append(namespaceEvents());
    for (let version = 1; version <= VERSIONS; version += 1) {
      for (let first = 0; first < OBJECTS; first += EVENTS_AN_APPEND) {
        await append(Array.from({ length: EVENTS_AN_APPEND }, (_, index) => eventOf(first + index, version)));
      }
    }
  } finally {
    await log.close();
  }
}
