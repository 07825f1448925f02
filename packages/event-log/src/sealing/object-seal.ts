import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KubernetesObject, ObjectRef } from '@pulseplane/resources';
import type { SealingKey } from './sealing-key.ts';

/** The whole object, its annotations too, is in the box: kubectl keeps a copy of the manifest in one of them. */
type Sealed = { readonly key: string; readonly box: string };
type SealedObject = KubernetesObject & { readonly sealed: Sealed };

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The object as it may lie in a file: its names in the open, all else in a box (AES-256-GCM, a random nonce each). */
export function sealObject(ref: ObjectRef, object: KubernetesObject, key: SealingKey): KubernetesObject {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce).setAAD(labelOf(ref));
  const box = Buffer.concat([
    nonce,
    cipher.update(JSON.stringify(object), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const sealed: SealedObject = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
    sealed: { key: key.id, box: box.toString('base64') },
  };
  return sealed;
}

/** The id of the key that an object is sealed with; undefined when it is not. */
export function sealedWith(object: KubernetesObject): string | undefined {
  return isSealed(object) ? object.sealed.key : undefined;
}

/** What was sealed; the object as it is when it is not, or when none of the keys opens it. */
export function openObject(
  ref: ObjectRef,
  object: KubernetesObject,
  keys: ReadonlyMap<string, SealingKey>,
): KubernetesObject {
  if (!isSealed(object)) return object;
  const key = keys.get(object.sealed.key);
  if (key === undefined) return object;
  const box = Buffer.from(object.sealed.box, 'base64');
  try {
    const nonce = box.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES })
      .setAAD(labelOf(ref))
      .setAuthTag(box.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch {
    // Not what this key has sealed for this object.
    return object;
  }
}

function isSealed(object: KubernetesObject): object is SealedObject {
  return 'sealed' in object;
}

/** A box that is moved to another object does not open. */
function labelOf({ group, kind, namespace, name }: ObjectRef): Buffer {
  return Buffer.from(JSON.stringify([group, kind, namespace, name]));
}
