import {
  type FieldError,
  findKind,
  isJsonObject,
  type Json,
  type JsonObject,
  type ResourceKind,
} from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';

/** An object as somebody wrote it, with what a URL would say of it. */
type Manifest = { readonly input: JsonObject; readonly kind: ResourceKind; readonly namespace: string };

/** Finds the kind and the namespace of a manifest; the namespace is `default` where it names none. */
export function readManifest(document: Json): Result<Manifest, FieldError> {
  if (!isJsonObject(document)) {
    // As in Kubernetes, what is about the whole has this for a field.
    return fail({ reason: 'FieldValueTypeInvalid', field: '<nil>', message: 'must be an object' });
  }
  const { apiVersion, kind: kindName, metadata } = document;
  if (typeof apiVersion !== 'string' || typeof kindName !== 'string') {
    return fail({
      reason: 'FieldValueRequired',
      field: typeof apiVersion === 'string' ? 'kind' : 'apiVersion',
      message: 'needs apiVersion and kind',
    });
  }
  const kind = findKind(apiVersion, kindName);
  if (kind === undefined) {
    const message = `kind ${kindName} of apiVersion ${apiVersion} is not served`;
    return fail({ reason: 'FieldValueNotSupported', field: 'kind', message });
  }
  const given = isJsonObject(metadata) && typeof metadata['namespace'] === 'string' ? metadata['namespace'] : '';
  return ok({ input: document, kind, namespace: kind.namespaced && given === '' ? 'default' : given });
}
