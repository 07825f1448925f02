import { createRequire } from 'node:module';
import type Sqlite from 'better-sqlite3';

const require = createRequire(import.meta.url);
const nodeMajor = Number(process.versions.node.split('.', 1));

/**
 * Where better-sqlite3 is loaded from. Line 12 is the last that runs on Node 20, and aborts on Node 24.19 and newer when
 * a statement is collected (nodejs/node#65446); line 13 does not, and wants Node 22.
 */
export const DRIVER = require.resolve(nodeMajor >= 22 ? 'better-sqlite3-13' : 'better-sqlite3');

export const Database: typeof Sqlite = require(DRIVER);

/** The driver's connection, by the name that the rest of this package uses. */
export type Connection = Sqlite.Database;
