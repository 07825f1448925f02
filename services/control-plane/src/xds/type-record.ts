import type { DiscoveryResponse, ServerOutput } from '@pulseplane/xds';

/** What became of one type on one stream. `stale`: unanswered for so long that newer content went out nevertheless. */
export type TypeRecord = {
  readonly state: 'subscribed' | 'sent' | 'acked' | 'nacked' | 'unwatched' | 'stale';
  /** Of the state. */
  readonly since: Date;
  readonly sent?: Stamped;
  readonly acked?: Stamped;
  /** The newest rejection, until what it was about is accepted. */
  readonly nacked?: Stamped & { readonly message: string };
  /** The resources that the client refuses to run, and why; until a newer version or their removal is sent. */
  readonly rejected: ReadonlyMap<string, string>;
  /** Since when something was sent that is not acknowledged. */
  readonly behindSince?: Date;
};

type Stamped = { readonly version: string; readonly at: Date };

export function newTypeRecord(at: Date): TypeRecord {
  return { state: 'subscribed', since: at, rejected: new Map() };
}

/** The record after what the protocol said at that time. */
export function record(before: TypeRecord, output: Exclude<ServerOutput, { kind: 'close' }>, at: Date): TypeRecord {
  switch (output.kind) {
    case 'respond': {
      const named = new Set(namesOf(output.response));
      const rejected = new Map([...before.rejected].filter(([name]) => !named.has(name)));
      const { version } = output.response;
      const behindSince = before.behindSince ?? at;
      return { ...before, state: 'sent', since: at, sent: { version, at }, rejected, behindSince };
    }
    case 'acked':
    case 'current': {
      const { version } = output.kind === 'current' ? output : output.response;
      const { nacked, behindSince: _behindSince, ...rest } = before;
      const still = nacked !== undefined && before.rejected.size > 0 ? { nacked } : {};
      return { ...rest, ...still, state: 'acked', since: at, acked: { version, at } };
    }
    case 'nacked': {
      const { response, message } = output;
      const rejections = output.rejections ?? namesOf(response).map((name) => ({ name, error: message }));
      const rejected = new Map(before.rejected);
      for (const { name, error } of rejections) rejected.set(name, error);
      return { ...before, state: 'nacked', since: at, nacked: { version: response.version, message, at }, rejected };
    }
    case 'unwatched':
    case 'stale':
      return { ...before, state: output.kind, since: at };
    default:
      return output satisfies never;
  }
}

function namesOf({ resources, removed }: DiscoveryResponse): readonly string[] {
  return [...resources.map(({ name }) => name), ...removed];
}
