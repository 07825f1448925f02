import type { DiscoveryResponse, ServerOutput } from '@pulseplane/xds';

/**
 * What became of one type on one stream. It changes in place: there are thousands of them, and each push and each ACK
 * changes one. `stale`: unanswered for so long that newer content went out nevertheless.
 */
export type TypeRecord = Readonly<Omit<OpenTypeRecord, 'rejected'>> & {
  readonly rejected: ReadonlyMap<string, string>;
};

/** Of a stream that is open. */
export type OpenTypeRecord = {
  readonly typeUrl: string;
  state: 'subscribed' | 'sent' | 'acked' | 'nacked' | 'unwatched' | 'stale';
  /** Of the state. */
  since: Date;
  sent: Stamped | undefined;
  acked: Stamped | undefined;
  /** The newest rejection, until what it was about is accepted. */
  nacked: (Stamped & { readonly message: string }) | undefined;
  /** The resources that the client refuses to run, and why; until a newer version or their removal is sent. */
  rejected: Map<string, string>;
  /** Since when something was sent that is not acknowledged. */
  behindSince: Date | undefined;
};

type Stamped = { readonly version: string; readonly at: Date };

/** Most streams have none: they share what holds none. */
const NONE = new Map<string, string>();

export function newTypeRecord(typeUrl: string, at: Date): OpenTypeRecord {
  return {
    typeUrl,
    state: 'subscribed',
    since: at,
    sent: undefined,
    acked: undefined,
    nacked: undefined,
    rejected: NONE,
    behindSince: undefined,
  };
}

/** The record of a type among those of a stream, which are few. */
export function recordOf<Kept extends TypeRecord>(types: readonly Kept[], typeUrl: string): Kept | undefined {
  return types.find((record) => record.typeUrl === typeUrl);
}

/** Takes down what the protocol said at that time. */
export function note(record: OpenTypeRecord, output: Exclude<ServerOutput, { kind: 'close' }>, at: Date): void {
  record.since = at;
  switch (output.kind) {
    case 'respond':
      record.state = 'sent';
      record.sent = stamp(output.response.version, at);
      // Of what is sent anew nothing is known to be rejected.
      if (record.rejected.size > 0) for (const name of namesOf(output.response)) record.rejected.delete(name);
      record.behindSince ??= at;
      return;
    case 'acked':
    case 'current':
      record.state = 'acked';
      record.acked = stamp(output.kind === 'current' ? output.version : output.response.version, at);
      if (record.rejected.size === 0) record.nacked = undefined;
      record.behindSince = undefined;
      return;
    case 'nacked': {
      const { response, message } = output;
      const rejections = output.rejections ?? namesOf(response).map((name) => ({ name, error: message }));
      record.state = 'nacked';
      record.nacked = { version: response.version, message, at };
      if (record.rejected === NONE) record.rejected = new Map();
      for (const { name, error } of rejections) record.rejected.set(name, error);
      return;
    }
    case 'unwatched':
    case 'stale':
      record.state = output.kind;
      return;
    default:
      output satisfies never;
  }
}

let last: Stamped | undefined;

/** Of the same version at the same moment there is one for many streams. */
function stamp(version: string, at: Date): Stamped {
  if (last?.at !== at || last.version !== version) last = { version, at };
  return last;
}

function namesOf({ resources, removed }: DiscoveryResponse): readonly string[] {
  return [...resources.map(({ name }) => name), ...removed];
}
