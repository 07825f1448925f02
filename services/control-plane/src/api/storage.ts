import type { EventLog } from '@pulseplane/event-log';

/** A fault of the log's storage, told apart from a fault of this program. */
export class StorageFault extends Error {
  override readonly name = 'StorageFault';
}

/** The same log, whose faults are StorageFaults. */
export function markFaults(log: EventLog): EventLog {
  return {
    append: async (append) => {
      try {
        return await log.append(append);
      } catch (error) {
        throw asFault(error);
      }
    },
    object: (ref) => marked(() => log.object(ref)),
    objects: (filter) => marked(() => log.objects(filter)),
    read: (range) => marked(() => log.read(range)),
    follow: (listener) => log.follow(listener),
    head: () => marked(() => log.head()),
    close: () => log.close(),
  };
}

function marked<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw asFault(error);
  }
}

function asFault(error: unknown): StorageFault {
  return new StorageFault(error instanceof Error ? error.message : String(error), { cause: error });
}
