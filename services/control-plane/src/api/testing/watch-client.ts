import { openStream, type StreamClient } from './stream-client.ts';

/** A watch event as a client reads it. */
export type SeenEvent = {
  readonly type: string;
  readonly object: {
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly namespace: string;
      readonly resourceVersion: string;
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    };
    readonly status?: unknown;
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly columnDefinitions?: readonly { readonly name: string }[];
    readonly rows?: readonly {
      readonly cells: readonly unknown[];
      readonly object: { readonly metadata: { readonly resourceVersion: string } };
    }[];
  };
};

export type WatchClient = Pick<StreamClient, 'status' | 'headers' | 'leave'> & {
  /** The next event; an error when the watch has ended. */
  next(): Promise<SeenEvent>;
  /** The next events as `TYPE name@version`. */
  take(count: number): Promise<readonly string[]>;
  /** All that is still to come until the watch ends, as `take` gives it. */
  rest(): Promise<readonly string[]>;
};

/** Opens a watch over a socket of its own. */
export async function watch(url: string, headers: Record<string, string> = {}): Promise<WatchClient> {
  const stream = await openStream(url, { headers });
  const next = async (): Promise<SeenEvent> => {
    const line = await stream.next();
    if (line === undefined) throw new Error(`the watch ended: ${url}`);
    return JSON.parse(line) as SeenEvent;
  };
  return {
    status: stream.status,
    headers: stream.headers,
    leave: stream.leave,
    next,
    take: async (count) => {
      const seen: string[] = [];
      while (seen.length < count) seen.push(brief(await next()));
      return seen;
    },
    rest: async () => (await stream.rest()).map((line) => brief(JSON.parse(line) as SeenEvent)),
  };
}

function brief({ type, object }: SeenEvent): string {
  if (type === 'ERROR') return `ERROR ${object.code} ${object.message}`;
  return `${type} ${object.metadata.name ?? ''}@${object.metadata.resourceVersion}`;
}
