// Makes a checkout ready to run: dependencies as the lock file names them, then the build.
// Plain JavaScript without dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

/** Installs and builds what is missing or outdated. Ends the process with code 1 when that fails. */
export function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed`);
  }
  // Not `npm ci`: it refuses a lock file made where the registry lacks other platforms' optional packages.
  if (!installed())
    run('installing dependencies (a few minutes the first time: SQLite is compiled)', 'npm', [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
    ]);
  run('building', process.execPath, [
    join(ROOT, 'node_modules/turbo/bin/turbo'),
    'run',
    'build',
    '--output-logs=errors-only',
  ]);
}

/** Whether node_modules holds what the lock file asks for, and its native addon loads in this Node. */
function installed() {
  const hidden = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const complete = Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || entry.optional || entry.devOptional || entry.peer || present[path]?.version === entry.version,
  );
  return complete && nativeAddonLoads();
}

function nativeAddonLoads() {
  try {
    const driver = Number(process.versions.node.split('.', 1)) >= 22 ? 'better-sqlite3-13' : 'better-sqlite3';
    const Database = createRequire(join(ROOT, 'packages/event-log/package.json'))(driver);
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

function run(what, command, args) {
  process.stderr.write(`pulseplane: ${what} ...\n`);
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  fail(`${what} failed: ${error?.message ?? `exit code ${status}`}`);
}

function fail(message) {
  process.stderr.write(`pulseplane: ${message}\n`);
  process.exit(1);
}
