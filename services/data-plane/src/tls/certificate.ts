import { X509Certificate } from 'node:crypto';
import type { Certificate } from '@pulseplane/projection/gateway';

const parsed = new WeakMap<Certificate, X509Certificate>();

/**
 * The certificates to offer to a client that asks for a server name: those with that name, or else those with a
 * wildcard for it, or else the first. Of each type of key the first one; the client's algorithms decide among them.
 */
export function certificatesFor(certificates: readonly Certificate[], serverName: string): readonly Certificate[] {
  if (certificates.length < 2) return certificates;
  const names = certificates.map((certificate) =>
    serverName === '' ? undefined : parse(certificate).checkHost(serverName)?.toLowerCase(),
  );
  const exact = certificates.filter((_, index) => names[index] === serverName.toLowerCase());
  const wildcard = certificates.filter((_, index) => names[index] !== undefined);
  const [fitting = certificates.slice(0, 1)] = [exact, wildcard].filter(({ length }) => length > 0);
  const byKeyType = new Map<string | undefined, Certificate>();
  for (const certificate of fitting) {
    const type = parse(certificate).publicKey.asymmetricKeyType;
    if (!byKeyType.has(type)) byKeyType.set(type, certificate);
  }
  return [...byKeyType.values()];
}

/** What may be shown of a certificate. */
export function describeCertificate(certificate: Certificate): object {
  const { subject, subjectAltName = null, validTo, fingerprint256 } = parse(certificate);
  return { subject, subjectAltName, validTo, fingerprint256 };
}

function parse(certificate: Certificate): X509Certificate {
  const known = parsed.get(certificate) ?? new X509Certificate(certificate.chain);
  parsed.set(certificate, known);
  return known;
}
