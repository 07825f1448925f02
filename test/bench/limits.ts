import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '@pulseplane/event-log/testing';
import { freePorts } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** The disk: appends of 600 bytes a second, each with its fdatasync, one after the other. */
export function rawFsync(file: string): number {
  const fd = openSync(file, 'a');
  const line = Buffer.alloc(600, 'x');
  const until = performance.now() + 1000;
  let count = 0;
  for (; performance.now() < until; count += 1) {
    writeSync(fd, line);
    fdatasyncSync(fd);
  }
  closeSync(fd);
  return count;
}

/** SQLite: rows a second into a plain table, so many a transaction, each transaction with its fsync. */
export function bareSqlite(file: string, rows: number, rowsATransaction: number, row: string): number {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE rows (seq INTEGER PRIMARY KEY, row TEXT NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO rows (row) VALUES (?)');
  const insertMany = db.transaction((count: number) => {
    for (let index = 0; index < count; index += 1) insert.run(row);
  });
  const startedAt = performance.now();
  for (let left = rows; left > 0; left -= rowsATransaction) insertMany.immediate(Math.min(left, rowsATransaction));
  const seconds = (performance.now() - startedAt) / 1000;
  db.close();
  return rows / seconds;
}

/** HTTP: a server that parses a JSON body and answers with it. */
export async function startBareHttp(): Promise<ServerProcess & { readonly url: string }> {
  const { rest } = await freePorts();
  const url = `http://127.0.0.1:${rest}`;
  const program = join(ROOT, 'test/bench/bare-http-server.ts');
  const server = await startServer(process.execPath, [...process.execArgv, program, String(rest)], `${url}/readyz`);
  return { ...server, url };
}
