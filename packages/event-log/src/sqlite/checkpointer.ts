import { Worker } from 'node:worker_threads';
import { type Connection, DRIVER } from './driver.ts';

/** How often the write-ahead log is moved into the file, and above which size it begins anew. */
const EVERY_MS = 250;
const BEGIN_ANEW_ABOVE_BYTES = 64 * 1024 * 1024;

/**
 * Checkpoints in a thread of its own, so that no command waits for it (the automatic one runs in the thread that
 * commits, for some 10 ms). A passive checkpoint hinders neither readers nor the writer. Plain JavaScript, because a
 * thread cannot be started from TypeScript sources.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { statSync } = require('node:fs');
const Database = require(workerData.driver);
const db = new Database(workerData.file);
db.pragma('synchronous = FULL');
const size = () => { try { return statSync(workerData.file + '-wal').size; } catch { return 0; } };
let last = -1;
const timer = setInterval(() => {
  const now = size();
  if (now === last && now <= workerData.limit) return;
  last = now;
  try { db.pragma('wal_checkpoint(PASSIVE)'); } catch {}
  if (now > workerData.limit) parentPort.postMessage('large');
}, workerData.every);
parentPort.on('message', () => { clearInterval(timer); db.close(); parentPort.close(); });
`;

/** Starts checkpointing the file of a connection. Returns the way to stop; then the file has no other user than it. */
export function startCheckpointer(
  db: Connection,
  { every, limit } = { every: EVERY_MS, limit: BEGIN_ANEW_ABOVE_BYTES },
): () => Promise<void> {
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { file: db.name, driver: DRIVER, every, limit },
  });
  // The writer's own thread begins the WAL anew, right after the other has moved nearly all of it: from another thread
  // that would lock the writer out for as long as the disk takes.
  worker.on('message', () => beginAnew(db));
  // A thread that cannot open the file leaves the WAL to grow; the next commit meets what is wrong with the disk.
  worker.on('error', () => {});
  worker.unref();
  return () =>
    new Promise((resolve) => {
      worker.ref();
      worker.removeAllListeners('message');
      worker.once('exit', () => resolve());
      worker.postMessage('stop');
    });
}

/** Does not wait for readers. With one in the way, or the disk full, the next try is a moment later. */
function beginAnew(db: Connection): void {
  const timeout = db.pragma('busy_timeout', { simple: true });
  db.pragma('busy_timeout = 0');
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
  } catch {
    // The file stays as it is, and so does the WAL: nothing is lost, and a commit tells its caller what is wrong.
  } finally {
    db.pragma(`busy_timeout = ${timeout}`);
  }
}
