import type { StoredEvent } from '@pulseplane/event-log';
import { contentOf, type Json, type KubernetesObject, SECRET } from '@pulseplane/resources';
import { HIDDEN, LAST_APPLIED } from '../hidden-values.ts';
import { type Change, diffJson } from './json-diff.ts';

/**
 * How an object changed, in what people decide of it: labels, annotations, finalizers, its deletion and spec. Of a
 * Secret's values it tells which changed, not how.
 */
export function diffObjects(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
): readonly Change[] {
  const changes = diffJson(decided(before), decided(after));
  return (after ?? before)?.kind === SECRET.kind ? changes.map(hideValues) : changes;
}

function hideValues(change: Change): Change {
  if (!/^(data|sealed)\b/.test(change.path)) return change;
  const { path, before, after } = change;
  const both = before !== undefined && after !== undefined;
  return {
    path,
    ...(before !== undefined && { before: both ? `${HIDDEN} (before)` : HIDDEN }),
    ...(after !== undefined && { after: both ? `${HIDDEN} (after)` : HIDDEN }),
  };
}

/** What an event changed; undefined when the event before it is no longer known. */
export function diffOfEvent(event: StoredEvent, previous: StoredEvent | undefined): readonly Change[] | undefined {
  if (event.type === 'Deleted') return [];
  if (event.type === 'Created') return diffObjects(undefined, event.object);
  return previous === undefined ? undefined : diffObjects(previous.object, event.object);
}

/** Without kubectl's copy of the manifest: it would say again, on one long line, what the other lines say. */
function decided(object: KubernetesObject | undefined): Json | undefined {
  if (object === undefined) return undefined;
  const { labels, annotations: { [LAST_APPLIED]: _, ...annotations } = {} } = object.metadata;
  const { finalizers, deletionTimestamp } = object.metadata;
  const metadata = {
    ...(labels !== undefined && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(finalizers !== undefined && { finalizers }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
  const parts = { ...(Object.keys(metadata).length > 0 && { metadata }), ...contentOf(object) };
  return Object.keys(parts).length > 0 ? parts : undefined;
}
