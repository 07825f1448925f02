import { refKey } from '@pulseplane/resources';
import { OBJECTS, objectOf, refOf, VERSIONS } from './content.ts';
import { startEtcd } from './etcd.ts';

/** The most operations that etcd takes in one transaction. */
const PUTS_A_TRANSACTION = 128;
const TRANSACTIONS_AT_ONCE = 8;
/** After how many puts etcd would cut its write-ahead log, if each came alone: what it has to replay at a start. */
const PUTS_A_SNAPSHOT = 100_000;

/** Fills an etcd's directory with the objects of a filled log, and stops it; false when etcd is not on PATH. */
export async function fillEtcd(directory: string): Promise<boolean> {
  const etcd = await startEtcd(directory, Math.floor(PUTS_A_SNAPSHOT / PUTS_A_TRANSACTION));
  if (etcd === undefined) return false;
  try {
    for (let version = 1; version <= VERSIONS; version += 1) {
      let next = 0;
      const fill = async (): Promise<void> => {
        while (next < OBJECTS) {
          const first = next;
          next = Math.min(first + PUTS_A_TRANSACTION, OBJECTS);
          await etcd.putAll(Array.from({ length: next - first }, (_, index) => pair(first + index, version)));
        }
      };
      await Promise.all(Array.from({ length: TRANSACTIONS_AT_ONCE }, fill));
    }
    const count = await etcd.count();
    if (count !== OBJECTS) throw new Error(`etcd holds ${count} keys instead of ${OBJECTS}`);
  } finally {
    await etcd.stop();
  }
  return true;
}

function pair(index: number, version: number): readonly [Buffer, Buffer] {
  return [Buffer.from(refKey(refOf(index))), Buffer.from(JSON.stringify(objectOf(index, version)))];
}
