import { SECRET, type StoredObject } from '@pulseplane/resources';
import type { Certificate } from './gateway/resource.ts';
import { readKeyPair } from './key-pair.ts';
import { type GatewayListener, terminatesTls } from './listener-fault.ts';
import { secretRef } from './typed-object.ts';
import type { World } from './world/world.ts';

/** Why a certificate of a listener cannot be used: a reason of Gateway API's condition ResolvedRefs, and a sentence. */
type CertificateFault = {
  readonly reason: 'InvalidCertificateRef' | 'RefNotPermitted';
  readonly message: string;
};

/** The certificates of a listener that can be used, and what is wrong with the first that cannot. */
export type ListenerCertificates = {
  readonly certificates: readonly Certificate[];
  readonly fault?: CertificateFault;
};

type CertificateRef = NonNullable<NonNullable<GatewayListener['tls']>['certificateRefs']>[number];

/** What the certificateRefs of a listener come to; undefined where TLS does not end. */
export function listenerCertificates(
  world: World,
  gateway: StoredObject,
  listener: GatewayListener,
): ListenerCertificates | undefined {
  if (!terminatesTls(listener)) return undefined;
  const { certificateRefs = [] } = listener.tls ?? {};
  const certificates: Certificate[] = [];
  let fault: CertificateFault | undefined;
  for (const ref of certificateRefs) {
    const found = resolve(world, gateway, ref);
    if ('reason' in found) fault ??= found;
    else certificates.push(found);
  }
  if (certificateRefs.length === 0) {
    const message = `Listener ${listener.name} speaks ${listener.protocol} and names no certificate in tls.certificateRefs`;
    fault = { reason: 'InvalidCertificateRef', message };
  }
  return { certificates, ...(fault && { fault }) };
}

/** Whether a gateway shows the certificate of a Secret of its namespace. */
export function usesSecret(listeners: readonly GatewayListener[], name: string, namespace: string): boolean {
  return listeners.some((listener) =>
    listener.tls?.certificateRefs?.some((ref) => ref.name === name && (ref.namespace ?? namespace) === namespace),
  );
}

function resolve(
  world: World,
  gateway: StoredObject,
  { group = SECRET.group, kind = SECRET.kind, namespace = gateway.ref.namespace, name }: CertificateRef,
): Certificate | CertificateFault {
  if (group !== SECRET.group || kind !== SECRET.kind) {
    const what = group === '' ? kind : `${kind}.${group}`;
    return { reason: 'InvalidCertificateRef', message: `${what} ${namespace}/${name} is no Secret` };
  }
  if (namespace !== gateway.ref.namespace) {
    const message = `Secret ${namespace}/${name} is in another namespace, and no ReferenceGrant allows that`;
    return { reason: 'RefNotPermitted', message };
  }
  const secret = world.object(secretRef(namespace, name));
  if (secret === undefined) {
    return { reason: 'InvalidCertificateRef', message: `Secret ${namespace}/${name} not found` };
  }
  const pair = readKeyPair(secret);
  return 'error' in pair
    ? { reason: 'InvalidCertificateRef', message: `Secret ${namespace}/${name} ${pair.error}` }
    : pair;
}
