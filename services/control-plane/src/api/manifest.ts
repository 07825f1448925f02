import { findKind, isJsonObject, type Json, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';

/** An object as somebody wrote it, with what a URL would say of it. */
type Manifest = { readonly input: JsonObject; readonly kind: ResourceKind; readonly namespace: string };

/** Finds the kind and the namespace of a manifest; the namespace is `default` where it names none. */
export function readManifest(document: Json): Result<Manifest, { readonly field: string; readonly message: string }> {
  if (!isJsonObject(document)) return fail({ field: '', message: 'must be an object' });
  const { apiVersion, kind: kindName, metadata } = document;
  if (typeof apiVersion !== 'string' || typeof kindName !== 'string') {
    return fail({
      field: typeof apiVersion === 'string' ? 'kind' : 'apiVersion',
      message: 'needs apiVersion and kind',
    });
  }
  const kind = findKind(apiVersion, kindName);
  if (kind === undefined) {
    return fail({ field: 'kind', message: `kind ${kindName} of apiVersion ${apiVersion} is not served` });
  }
  const given = isJsonObject(metadata) && typeof metadata['namespace'] === 'string' ? metadata['namespace'] : '';
  return ok({ input: document, kind, namespace: kind.namespaced && given === '' ? 'default' : given });
}
