import { userInfo } from 'node:os';
import { join } from 'node:path';
import { refuse, Settings } from '@pulseplane/command-line';
import {
  backUpLogFile,
  compactLogFile,
  restoreLogFile,
  StorageFault,
  type VerifyReport,
  verifyLogFile,
} from '@pulseplane/event-log';

type LogValues = { readonly dataDir: string };

/** `pulse verify`: exit code 0 when the log is sound, 1 when it is not, 2 when it cannot be read. */
export function verify(argv: readonly string[]): Promise<void> {
  const { dataDir } = settings(
    'verify',
    'Checks that the log is as it was written, also while it is in use.',
  ).parse<LogValues>(argv, []);
  return answering('verify', () => sound(verifyLogFile(logFile(dataDir))));
}

/** `pulse backup --to FILE`: a verified copy, also while the control plane writes. */
export function backUp(argv: readonly string[]): Promise<void> {
  const { dataDir, to } = settings(
    'backup',
    'Copies the log to a file, also while it is in use, and verifies the copy.',
  )
    .text('to', 'PULSEPLANE_BACKUP_TO', 'file', 'the file to make')
    .parse<LogValues & { readonly to?: string }>(argv, []);
  if (to === undefined) refuse('pulse backup', '--to <file> is required');
  return answering('backup', async () => sound(await backUpLogFile(logFile(dataDir), to)));
}

/** `pulse restore --from FILE`: puts a verified backup where there is no log. */
export function restore(argv: readonly string[]): Promise<void> {
  const { dataDir, from } = settings('restore', 'Verifies a backup and puts it where there is no log.')
    .text('from', 'PULSEPLANE_RESTORE_FROM', 'file', 'the backup')
    .parse<LogValues & { readonly from?: string }>(argv, []);
  if (from === undefined) refuse('pulse restore', '--from <file> is required');
  return answering('restore', async () => sound(await restoreLogFile(from, logFile(dataDir))));
}

const DAY_MS = 86_400_000;

/** `pulse compact --keep-versions N --keep-days D`: drops old events of a log that is not in use. */
export function compact(argv: readonly string[]): Promise<void> {
  const values = settings('compact', 'Drops old events of a log that no control plane has open. It stays verifiable.')
    .count('keep-versions', 'PULSEPLANE_KEEP_VERSIONS', 'keep the newest events of each object', 10)
    .count('keep-days', 'PULSEPLANE_KEEP_DAYS', 'keep all events of so many days', 30)
    .parse<LogValues & { readonly keepVersions: number; readonly keepDays: number }>(argv, []);
  const keepSince = new Date(Date.now() - values.keepDays * DAY_MS).toISOString();
  return answering('compact', () => {
    const policy = { keepVersions: values.keepVersions, keepSince };
    const { dropped, retained, through } = compactLogFile(logFile(values.dataDir), policy, userInfo().username);
    process.stdout.write(`dropped ${dropped} events up to ${through}, kept ${retained} of them\n`);
    return true;
  });
}

function settings(verb: string, description: string): Settings {
  return new Settings(`pulse ${verb}`, description).text(
    'data-dir',
    'PULSEPLANE_DATA_DIR',
    'dir',
    'where the event log is kept',
    '.pulseplane',
  );
}

function logFile(dataDir: string): string {
  return join(dataDir, 'events.db');
}

/** Prints what was found. Whether the log is sound. */
function sound({ head, events, objects, problems }: VerifyReport): boolean {
  for (const { seq, problem } of problems) process.stdout.write(`event ${seq}: ${problem}\n`);
  const verdict = problems.length === 0 ? 'sound' : `NOT sound, ${problems.length} problems`;
  process.stdout.write(`${verdict}: ${events} events up to ${head}, ${objects} objects\n`);
  return problems.length === 0;
}

async function answering(verb: string, run: () => boolean | Promise<boolean>): Promise<void> {
  try {
    if (!(await run())) process.exitCode = 1;
  } catch (error) {
    if (error instanceof StorageFault) refuse(`pulse ${verb}`, error.message);
    throw error;
  }
}
