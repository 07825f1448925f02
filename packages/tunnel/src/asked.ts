import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Open, OpenSchema } from '@pulseplane/wire';

/** Which of a worker's recent log lines are wanted. */
export type LogQuery = {
  readonly follow: boolean;
  /** Only so many of the lines that are there, the last ones. */
  readonly tailLines?: number;
  /** Only lines from this time on. */
  readonly since?: Date;
  /** Put the time before each line. */
  readonly timestamps: boolean;
};

/** What of a worker a stream leads to. There is nothing else: a worker is not a way to other hosts or ports. */
export type Asked = { readonly kind: 'admin' } | { readonly kind: 'log'; readonly query: LogQuery };

/** Words a request for a stream. */
export function toOpen(streamId: string, asked: Asked): Open {
  return create(OpenSchema, {
    streamId,
    what: asked.kind === 'admin' ? { case: 'admin', value: {} } : log(asked.query),
  });
}

/** Reads a request for a stream; undefined when it asks for something that this version does not know. */
export function fromOpen({ what }: Open): Asked | undefined {
  switch (what.case) {
    case 'admin':
      return { kind: 'admin' };
    case 'log': {
      const { follow, tailLines, since, timestamps } = what.value;
      return {
        kind: 'log',
        query: {
          follow,
          timestamps,
          ...(tailLines !== undefined && { tailLines }),
          ...(since !== undefined && { since: timestampDate(since) }),
        },
      };
    }
    default:
      return undefined;
  }
}

function log({ follow, tailLines, since, timestamps }: LogQuery): MessageInitShape<typeof OpenSchema>['what'] & object {
  return {
    case: 'log',
    value: {
      follow,
      timestamps,
      ...(tailLines !== undefined && { tailLines }),
      ...(since !== undefined && { since: timestampFromDate(since) }),
    },
  };
}
