import type { EventLog } from '@pulseplane/event-log';
import { apiVersionOf, NAMESPACE } from '@pulseplane/resources';
import { type CommandContext, refOf } from './command.ts';
import { DEFAULT_NAMESPACE } from './deletion.ts';
import { execute } from './execute.ts';
import { ok } from './result.ts';

/** Puts the namespace `default` into a log that lacks it. */
export async function bootstrap(log: EventLog, context: Pick<CommandContext, 'newId' | 'now'>): Promise<void> {
  const ref = refOf(NAMESPACE, '', DEFAULT_NAMESPACE);
  if (log.object(ref) !== undefined) return;
  await execute(
    log,
    {
      ref,
      command: () =>
        ok({
          type: 'create',
          kind: NAMESPACE,
          object: { apiVersion: apiVersionOf(NAMESPACE), kind: NAMESPACE.kind, metadata: { name: DEFAULT_NAMESPACE } },
        }),
    },
    { ...context, actor: { user: 'system', via: 'bootstrap' }, requestId: context.newId(), dryRun: false },
  );
}
