import type { EventLog } from '@pulseplane/event-log';
import {
  apiVersionOf,
  CONTROLLER_NAME,
  GATEWAY_CLASS,
  type KubernetesObject,
  NAMESPACE,
  type ResourceKind,
} from '@pulseplane/resources';
import { type CommandContext, refOf } from './command.ts';
import { DEFAULT_NAMESPACE } from './deletion.ts';
import { execute } from './execute.ts';
import { ok } from './result.ts';

/** The class that agentgateway's manifests name. */
const CLASS_NAME = 'agentgateway';

/** What every log has, as every cluster with agentgateway has it. */
const ALWAYS_THERE: readonly { readonly kind: ResourceKind; readonly object: KubernetesObject }[] = [
  {
    kind: NAMESPACE,
    object: { apiVersion: apiVersionOf(NAMESPACE), kind: NAMESPACE.kind, metadata: { name: DEFAULT_NAMESPACE } },
  },
  {
    kind: GATEWAY_CLASS,
    object: {
      apiVersion: apiVersionOf(GATEWAY_CLASS),
      kind: GATEWAY_CLASS.kind,
      metadata: { name: CLASS_NAME },
      spec: { controllerName: CONTROLLER_NAME },
    },
  },
];

/** Puts the namespace `default` and the class of our gateways into a log that lacks them. */
export async function bootstrap(log: EventLog, context: Pick<CommandContext, 'newId' | 'now'>): Promise<void> {
  for (const { kind, object } of ALWAYS_THERE) {
    const ref = refOf(kind, '', object.metadata.name);
    if (log.object(ref) !== undefined) continue;
    await execute(
      log,
      { ref, command: () => ok({ type: 'create', kind, object }) },
      { ...context, actor: { user: 'system', via: 'bootstrap' }, requestId: context.newId(), dryRun: false },
    );
  }
}
