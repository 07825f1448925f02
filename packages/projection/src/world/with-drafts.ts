import { refKey, type StoredObject } from '@pulseplane/resources';
import type { ObjectSource } from './object-source.ts';

/** A source as it would be with these objects stored as given. */
export function withDrafts(source: ObjectSource, drafts: readonly StoredObject[]): ObjectSource {
  const byRef = new Map(drafts.map((draft) => [refKey(draft.ref), draft]));
  return {
    object: (ref) => byRef.get(refKey(ref)) ?? source.object(ref),
    *each(filter) {
      for (const stored of source.each(filter)) if (!byRef.has(refKey(stored.ref))) yield stored;
      for (const draft of byRef.values()) {
        const { group, kind, namespace } = draft.ref;
        const { group: ofGroup = group, kind: ofKind = kind, namespace: inNamespace = namespace } = filter;
        if (group === ofGroup && kind === ofKind && namespace === inNamespace) yield draft;
      }
    },
  };
}
