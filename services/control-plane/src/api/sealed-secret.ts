import { sealedWith } from '@pulseplane/event-log';
import { type ObjectRef, SECRET, type StoredObject } from '@pulseplane/resources';
import { failure, type Status } from './status.ts';

/** A Secret was to be read, and no key opens it. */
export class SealedSecret extends Error {
  /** The answer: what is wrong, and nothing of what is sealed. */
  readonly status: Status;

  constructor({ namespace, name }: ObjectRef, keyId: string) {
    const message = `the Secret ${namespace}/${name} cannot be opened: it is sealed with the key ${keyId}, which is not in the control plane's key file (--secret-key-file), or is damaged`;
    super(message);
    this.name = 'SealedSecret';
    const causes = [{ reason: 'SecretSealed', message: `key ${keyId}`, field: 'data' }];
    this.status = failure(500, 'InternalError', message, { name, kind: SECRET.plural, causes });
  }
}

/** Throws a SealedSecret where an object is one. */
export function requireOpen({ ref, object }: Pick<StoredObject, 'ref' | 'object'>): void {
  const keyId = ref.kind === SECRET.kind ? sealedWith(object) : undefined;
  if (keyId !== undefined) throw new SealedSecret(ref, keyId);
}
