import { Readable } from 'node:stream';
import type { RecentLine, RecentLines } from '@pulseplane/telemetry';
import type { LogQuery } from '@pulseplane/tunnel';

/** The lines that a query asks for, as text; a reader who is too slow is told how many lines it has missed. */
export function logStream(lines: RecentLines, query: LogQuery): Readable {
  const stop = new AbortController();
  const stream = Readable.from(select(lines, query, stop.signal), { objectMode: false });
  stream.once('close', () => stop.abort());
  return stream;
}

async function* select(lines: RecentLines, query: LogQuery, signal: AbortSignal): AsyncGenerator<string> {
  const wanted = lines.after(0).filter(({ time }) => query.since === undefined || time >= query.since);
  const first = wanted.slice(query.tailLines === undefined ? 0 : Math.max(0, wanted.length - query.tailLines));
  for (const line of first) yield print(line, query);
  let told = lines.after(0).at(-1)?.seq ?? 0;
  while (query.follow && !signal.aborted) {
    const [line] = lines.after(told);
    if (line === undefined) {
      await nextLine(lines, signal);
      continue;
    }
    if (line.seq > told + 1) yield `[${line.seq - told - 1} lines are not kept any more]\n`;
    told = line.seq;
    yield print(line, query);
  }
}

/** Kubernetes puts the time before the line, as RFC 3339 with nanoseconds. */
function print({ time, text }: RecentLine, { timestamps }: LogQuery): string {
  return timestamps ? `${time.toISOString().replace('Z', '000000Z')} ${text}\n` : `${text}\n`;
}

function nextLine(lines: RecentLines, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = lines.onLine(done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
