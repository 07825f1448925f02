import { GATEWAY, refKey } from '@pulseplane/resources';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, sendAnswer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { classWarnings } from '../gateway-class-warning.ts';
import { HISTORY_API_VERSION } from '../history/history-handlers.ts';
import { changeLine } from '../history/json-diff.ts';
import { MAX_PREVIEWED_GATEWAYS } from '../limits.ts';
import { lintWarnings } from '../lint/lint-object.ts';
import { documentsBody } from '../request-body.ts';
import { actorOf } from '../write.ts';
import { readWriteOptions } from '../write-options.ts';
import { changedPorts, gatewayChanges, touchedGateways } from './gateway-changes.ts';
import { type Draft, decideManifests, manifestsOf } from './manifests.ts';

/** `POST /v1/preview`: what manifests would change if they were stored. Nothing is. */
export function addPreview(app: FastifyInstance, options: ApiOptions): void {
  app.post('/v1/preview', (request, reply) => sendAnswer(request, reply, preview(options, request)));
}

/** All in one turn, so that nothing is written between the two sides of the comparison. */
function preview(options: ApiOptions, request: FastifyRequest): Answer {
  const reading = readWriteOptions(request);
  if (!reading.ok) return statusAnswer(reading.error);
  const documents = documentsBody(request);
  if (!documents.ok) return statusAnswer(documents.error);
  const manifests = manifestsOf(documents.value);
  if (!manifests.ok) return statusAnswer(manifests.error);
  const { now, newId, clusterView } = options;
  const context = {
    actor: actorOf(request),
    requestId: request.id,
    now: now().toISOString(),
    newId,
    seenNamespace: (name: string) => clusterView.namespace(name),
  };
  const decided = decideManifests(options, manifests.value, reading.value, context);
  return decided.ok ? { code: 200, body: compare(options, decided.value) } : statusAnswer(decided.error);
}

function compare(options: ApiOptions, decided: readonly Draft[]) {
  const { log, clusterView } = options;
  const projection = options.projectionAt(log.head());
  const last = new Map(decided.map(({ stored }) => [refKey(stored.ref), stored]));
  const drafts = [...last.values()];
  const then = projection.preview(drafts, (touched) => {
    const { gateways, others } = touchedGateways(touched, MAX_PREVIEWED_GATEWAYS);
    const object: typeof log.object = (ref) => last.get(refKey(ref)) ?? log.object(ref);
    const linted = { log: { object, head: () => log.head() }, projectionAt: () => projection };
    return {
      touched,
      others,
      notices: options.envoyNotices.ofTouched(touched),
      gateways: gateways.map((gateway) => ({ gateway, parts: projection.gatewayParts(gateway, new Map()) })),
      warnings: new Map(
        drafts.map((stored) => [
          stored,
          [...classWarnings({ object, each: (filter) => log.each(filter) }, stored), ...lintWarnings(linted, stored)],
        ]),
      ),
    };
  });
  const workers = clusterView.workersPerGateway();
  const gateways = then.gateways.flatMap(({ gateway, parts }) => {
    const changes = gatewayChanges(projection, then.touched, { gateway, parts });
    if (changes.length === 0) return [];
    const { namespace, name } = gateway;
    const connected = workers.get(`${namespace}/${name}`) ?? [];
    const ports = changedPorts(changes);
    const exists = log.object(refOf(GATEWAY, namespace, name)) !== undefined;
    return {
      gateway,
      change: exists ? 'Changed' : 'Created',
      workers: connected.length,
      connections: sum(connected, ({ node }) => {
        const open = options.workerReport(node)?.connections;
        return sum(ports, (port) => open?.get(port) ?? 0);
      }),
      changes,
      text: changes.map(changeLine),
    };
  });
  return {
    kind: 'Preview',
    apiVersion: HISTORY_API_VERSION,
    metadata: { resourceVersion: String(log.head()), ...(then.others > 0 && { remainingItemCount: then.others }) },
    warnings: then.notices,
    workers: sum(gateways, (gateway) => gateway.workers),
    connections: sum(gateways, (gateway) => gateway.connections),
    objects: decided.map(({ document, stored, change, warnings }) => ({
      document,
      kind: stored.ref.kind,
      ...(stored.ref.namespace !== '' && { namespace: stored.ref.namespace }),
      name: stored.ref.name,
      change,
      // What is in force is known of the last of several manifests for one object.
      warnings: [...warnings, ...(then.warnings.get(stored) ?? [])],
    })),
    gateways,
  };
}

function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
