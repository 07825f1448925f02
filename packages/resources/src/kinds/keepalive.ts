import { Type } from '../typebox.ts';
import { socketDurationField } from './fields.ts';

/** TCP keepalive of connections that were accepted or dialled. */
export const Keepalive = Type.Object(
  {
    retries: Type.Optional(
      Type.Integer({
        description: 'How many probes may go unanswered before the connection is dropped. 9 when left out.',
        format: 'int32',
        minimum: 1,
        maximum: 64,
      }),
    ),
    time: Type.Optional(
      socketDurationField('time', 'How long a connection must be idle before the first probe. 180s when left out.'),
    ),
    interval: Type.Optional(socketDurationField('interval', 'The time between probes. 180s when left out.')),
  },
  { description: 'TCP keepalive.' },
);
