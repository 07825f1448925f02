import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { refuse, Settings } from '@pulseplane/command-line';
import {
  backUpLogFile,
  compactLogFile,
  LOG_FILES,
  type LogFileReport,
  restoreLogFile,
  StorageFault,
  streamOfLogFile,
  verifyLogFile,
} from '@pulseplane/event-log';

type LogValues = { readonly dataDir: string; readonly file?: string };

/** `pulse verify`: exit code 0 when the log is sound, 1 when it is not, 2 when it cannot be read. */
export function verify(argv: readonly string[]): Promise<void> {
  const values = onOneFile(
    'verify',
    'Checks that a log is as it was written, also while it is in use.',
  ).parse<LogValues>(argv, []);
  return answering('verify', () => {
    const file = chosenFile('verify', values);
    return sound(file, verifyLogFile(file));
  });
}

/** `pulse backup --to FILE`: a verified copy, also while the control plane writes. */
export function backUp(argv: readonly string[]): Promise<void> {
  const { to, ...values } = onOneFile(
    'backup',
    'Copies the log to a file, also while it is in use, and verifies the copy.',
  )
    .text('to', 'PULSEPLANE_BACKUP_TO', 'file', 'the file to make')
    .parse<LogValues & { readonly to?: string }>(argv, []);
  if (to === undefined) refuse('pulse backup', '--to <file> is required');
  return answering('backup', async () => sound(to, await backUpLogFile(chosenFile('backup', values), to)));
}

/** `pulse restore --from FILE`: puts a verified backup where there is no log. */
export function restore(argv: readonly string[]): Promise<void> {
  const { dataDir, from, withoutStream } = settings('restore', 'Verifies a backup and puts it where there is no log.')
    .text('from', 'PULSEPLANE_RESTORE_FROM', 'file', 'the backup')
    .flag(
      'without-stream',
      'PULSEPLANE_RESTORE_WITHOUT_STREAM',
      'make a log of its own of a replica whose stream is lost',
    )
    .parse<{ readonly dataDir: string; readonly from?: string; readonly withoutStream: boolean }>(argv, []);
  if (from === undefined) refuse('pulse restore', '--from <file> is required');
  return answering('restore', async () => {
    const isReplica = streamOfLogFile(from) !== undefined;
    if (withoutStream && !isReplica) refuse('pulse restore', `--without-stream: ${from} is not a replica of a stream`);
    const file = join(dataDir, isReplica && !withoutStream ? LOG_FILES.replica : LOG_FILES.log);
    return sound(file, await restoreLogFile(from, file, { withoutStream }));
  });
}

const DAY_MS = 86_400_000;

/** `pulse compact --keep-versions N --keep-days D`: drops old events of a log that is not in use. */
export function compact(argv: readonly string[]): Promise<void> {
  const values = onOneFile('compact', 'Drops old events of a log that no control plane has open. It stays verifiable.')
    .count('keep-versions', 'PULSEPLANE_KEEP_VERSIONS', 'keep the newest events of each object', 10)
    .count('keep-days', 'PULSEPLANE_KEEP_DAYS', 'keep all events of so many days', 30)
    .parse<LogValues & { readonly keepVersions: number; readonly keepDays: number }>(argv, []);
  const keepSince = new Date(Date.now() - values.keepDays * DAY_MS).toISOString();
  return answering('compact', () => {
    const policy = { keepVersions: values.keepVersions, keepSince };
    const report = compactLogFile(chosenFile('compact', values), policy, userInfo().username);
    const { dropped, retained, through, unshrunk } = report;
    const done =
      dropped === 0 ? 'nothing to drop' : `dropped ${dropped} events up to ${through}, kept ${retained} of them`;
    process.stdout.write(`${done}\n`);
    if (unshrunk !== undefined)
      process.stdout.write(`the file is as large as before, with free space inside: ${unshrunk}\n`);
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

function onOneFile(verb: string, description: string): Settings {
  const which = 'the file of the log, where the data directory holds two or it lies elsewhere';
  return settings(verb, description).text('file', 'PULSEPLANE_LOG_FILE', 'file', which);
}

/** The file that was named, or else the one in the data directory. */
function chosenFile(verb: string, { dataDir, file }: LogValues): string {
  if (file !== undefined) return file;
  const files = Object.values(LOG_FILES).map((name) => join(dataDir, name));
  const [one, another] = files.filter((each) => existsSync(each));
  if (one === undefined) refuse(`pulse ${verb}`, `there is neither ${files.join(' nor ')}`);
  if (another !== undefined) refuse(`pulse ${verb}`, `there are ${one} and ${another}; choose one with --file`);
  return one;
}

/** Prints what was found. Whether the log is sound. */
function sound(file: string, { head, headHash, events, objects, problems, replicaOf }: LogFileReport): boolean {
  for (const { seq, problem } of problems) process.stdout.write(`event ${seq}: ${problem}\n`);
  const verdict = problems.length === 0 ? 'sound' : `NOT sound, ${problems.length} problems`;
  process.stdout.write(`${verdict}: ${file}: ${events} events up to ${head}, ${objects} objects\n`);
  if (replicaOf) process.stdout.write(`replica of the stream ${replicaOf.stream} up to its message ${replicaOf.seq}\n`);
  if (headHash !== '') process.stdout.write(`head ${headHash}\n`);
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
