import type { StoredEvent } from '@pulseplane/event-log';
import type { Json, KubernetesObject } from '@pulseplane/resources';
import { type Change, diffJson } from './json-diff.ts';

/** kubectl keeps a copy of the manifest here; it would say again, on one long line, what the other lines say. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** How an object changed, in what people decide of it: labels, annotations and spec. */
export function diffObjects(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
): readonly Change[] {
  return diffJson(decided(before), decided(after));
}

/** What an event changed; undefined when the event before it is no longer known. */
export function diffOfEvent(event: StoredEvent, previous: StoredEvent | undefined): readonly Change[] | undefined {
  if (event.type === 'Deleted') return [];
  if (event.type === 'Created') return diffObjects(undefined, event.object);
  return previous === undefined ? undefined : diffObjects(previous.object, event.object);
}

function decided(object: KubernetesObject | undefined): Json | undefined {
  if (object === undefined) return undefined;
  const { labels, annotations: { [LAST_APPLIED]: _, ...annotations } = {} } = object.metadata;
  const metadata = {
    ...(labels !== undefined && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  const parts = {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(object.spec !== undefined && { spec: object.spec }),
  };
  return Object.keys(parts).length > 0 ? parts : undefined;
}
