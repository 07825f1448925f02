import { Worker } from 'node:worker_threads';

/** How often the write-ahead log is moved into the file, and above which size it is cut back. */
const EVERY_MS = 500;
const CUT_ABOVE_BYTES = 64 * 1024 * 1024;

/**
 * Checkpoints in a thread of its own, so that no command waits for it (the automatic one runs in the thread that
 * commits, for some 10 ms). Plain JavaScript, because a thread cannot be started from TypeScript sources.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { statSync } = require('node:fs');
const Database = require(workerData.driver);
const db = new Database(workerData.file, { timeout: 1000 });
db.pragma('synchronous = FULL');
const size = () => { try { return statSync(workerData.file + '-wal').size; } catch { return 0; } };
let last = -1;
const timer = setInterval(() => {
  const now = size();
  if (now === last && now <= workerData.cutAbove) return;
  last = now;
  try { db.pragma(now > workerData.cutAbove ? 'wal_checkpoint(TRUNCATE)' : 'wal_checkpoint(PASSIVE)'); } catch {}
}, workerData.every);
parentPort.on('message', () => { clearInterval(timer); db.close(); parentPort.close(); });
`;

/** Starts checkpointing a file. Returns the way to stop; after that the file has no other user than the caller. */
export function startCheckpointer(file: string): () => Promise<void> {
  const driver = import.meta.resolve('better-sqlite3').replace(/^file:\/\//, '');
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { file, driver, every: EVERY_MS, cutAbove: CUT_ABOVE_BYTES },
  });
  worker.unref();
  return () =>
    new Promise((resolve) => {
      worker.ref();
      worker.once('exit', () => resolve());
      worker.postMessage('stop');
    });
}
