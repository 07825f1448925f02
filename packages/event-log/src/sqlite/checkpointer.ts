import { Worker } from 'node:worker_threads';
import { type Connection, DRIVER } from './driver.ts';

/** How often the write-ahead log is moved into the file, and with how much in it it begins anew. */
const EVERY_MS = 250;
const BEGIN_ANEW_ABOVE_BYTES = 16 * 1024 * 1024;

/**
 * Checkpoints in a thread of its own, so that no command waits for it (the automatic one runs in the thread that
 * commits, for some 10 ms). A passive checkpoint hinders neither readers nor the writer. Plain JavaScript, because a
 * thread cannot be started from TypeScript sources.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
const db = new Database(workerData.file);
db.pragma('synchronous = FULL');
const frame = db.pragma('page_size', { simple: true }) + 24;
const move = () => {
  try { return db.pragma('wal_checkpoint(PASSIVE)')[0].log; } catch { return 0; }
};
let last = 0;
const timer = setInterval(() => {
  const frames = move();
  const isLarge = frames * frame > workerData.limit && frames !== last;
  last = frames;
  if (!isLarge) return;
  // What was written meanwhile is less each time; the writer is left the least.
  for (let again = 0; again < 3; again += 1) move();
  parentPort.postMessage('large');
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
  // The writer's own thread moves the rest, right after the other has moved nearly all of it: that one never gets to the
  // end, because the writer goes on meanwhile.
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

/**
 * With all of the WAL moved, the next commit writes from its beginning. Its space stays: to write over it takes half the
 * time of making it longer, because the file system has nothing to note down. Waits for nobody: with a reader in the way,
 * or the disk full, the next try is a moment later.
 */
function beginAnew(db: Connection): void {
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch {
    // The file stays as it is, and so does the WAL: nothing is lost, and a commit tells its caller what is wrong.
  }
}
