import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createMemoryEventLog, type EventLog, openSqliteEventLog } from '@pulseplane/event-log';

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-api-'));
const inFiles: EventLog[] = [];
let files = 0;

after(async () => {
  await closeLogs();
  rmSync(directory, { recursive: true, force: true });
});

/** The adapters that need no server; `open` gives an empty log. */
export const EVENT_LOGS: readonly { readonly name: string; readonly open: () => EventLog }[] = [
  { name: 'memory', open: createMemoryEventLog },
  { name: 'sqlite', open: openInFile },
];

/** Closes what was opened in files; a test that is over leaves no thread behind. */
export async function closeLogs(): Promise<void> {
  for (const log of inFiles.splice(0)) await log.close();
}

function openInFile(): EventLog {
  files += 1;
  const log = openSqliteEventLog(join(directory, `${files}.db`));
  inFiles.push(log);
  return log;
}
