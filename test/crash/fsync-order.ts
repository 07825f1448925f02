/** What a trace shows of one acknowledged request. */
export type OrderCheck = {
  /** How many answers with 200 or 201 were written to a client. */
  readonly acknowledgements: number;
  readonly violations: readonly string[];
};

/** A system call with the lines of the trace at which it began and was over: in between others may stand. */
type Call = { readonly name: string; readonly text: string; readonly begin: number; readonly end: number };

const REQUEST_ID = /x-request-id: ([0-9a-f-]{36})/;
const ACKNOWLEDGEMENT = /HTTP\/1\.1 20[01] /;
const TO_WAL = /^\d+<[^>]*\/events\.db-wal>/;
const OUTPUTS: ReadonlySet<string> = new Set(['write', 'writev', 'sendto', 'sendmsg']);

/**
 * Reads what `strace -f -y` wrote. The request id of each answer is also in the event, so it is in the bytes of one
 * write to the WAL: between that write and the answer a sync of the WAL must have begun and ended.
 */
export function checkFsyncOrder(trace: string): OrderCheck {
  const calls = parseCalls(trace);
  const walWrites = calls.filter(({ name }) => name.startsWith('pwrite') || name === 'write').filter(isOfWal);
  const walSyncs = calls
    .filter(({ name, text }) => (name === 'fsync' || name === 'fdatasync') && text.endsWith('= 0'))
    .filter(isOfWal);
  const answers = calls.filter(({ name, text }) => OUTPUTS.has(name) && ACKNOWLEDGEMENT.test(text));
  const violations = answers.flatMap((answer) => {
    const id = REQUEST_ID.exec(answer.text)?.[1];
    if (id === undefined) return [`line ${answer.begin}: an answer without a request id`];
    const write = walWrites.find(({ text }) => text.includes(id));
    if (write === undefined || write.end >= answer.begin) {
      return [`line ${answer.begin}: request ${id} is acknowledged, but was not written to the WAL before`];
    }
    const synced = walSyncs.some(({ begin, end }) => begin > write.end && end < answer.begin);
    return synced
      ? []
      : [`line ${answer.begin}: request ${id} is acknowledged, but its write of line ${write.end} is not synced`];
  });
  return { acknowledgements: answers.length, violations };
}

function isOfWal({ text }: Call): boolean {
  return TO_WAL.test(text);
}

/** A call that another thread interrupts is in two lines: `... <unfinished ...>` and `<... name resumed> ...`. */
function parseCalls(trace: string): readonly Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, Call>();
  for (const [index, line] of trace.split('\n').entries()) {
    const parts = /^(\d+) +\S+ (.*)$/.exec(line);
    const [, thread = '', rest = ''] = parts ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const begun = unfinished.get(thread);
    if (resumed !== null && begun !== undefined) {
      unfinished.delete(thread);
      calls.push({ ...begun, text: `${begun.text}${resumed[1]}`, end: index + 1 });
      continue;
    }
    const call = /^(\w+)\((.*)$/.exec(rest);
    if (call === null) continue;
    const [, name = '', text = ''] = call;
    if (text.endsWith('<unfinished ...>')) {
      // What an unfinished call has already given away counts from its beginning; it may never end.
      unfinished.set(thread, {
        name,
        text: text.slice(0, -'<unfinished ...>'.length),
        begin: index + 1,
        end: Number.POSITIVE_INFINITY,
      });
    } else calls.push({ name, text, begin: index + 1, end: index + 1 });
  }
  return [...calls, ...unfinished.values()];
}
