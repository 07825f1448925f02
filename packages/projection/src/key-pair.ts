import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { contentOf, isJsonObject, type StoredObject } from '@pulseplane/resources';
import { PrivateKey } from './gateway/private-key.ts';
import type { Certificate } from './gateway/resource.ts';

type KeyPair = Certificate | { readonly error: string };

/** Reading takes milliseconds, and each status of a policy on a gateway asks for its certificates. */
const MOST_KNOWN = 1_000;
const known = new Map<string, KeyPair>();

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificate and key of a Secret of type kubernetes.io/tls, or why there is none: in words that hold nothing of
 * either. A certificate that is out of date is one; clients decide about that.
 */
export function readKeyPair({ object }: StoredObject): KeyPair {
  const { data } = contentOf(object);
  const values = isJsonObject(data) ? data : {};
  const [chain, key] = ['tls.crt', 'tls.key'].map((name) => atob(String(values[name] ?? '')));
  // A Secret whose key is lost has no data either.
  if (chain === undefined || key === undefined || chain === '' || key === '') {
    return { error: 'has no tls.crt and tls.key that can be read' };
  }
  const id = createHash('sha256').update(`${chain}\0${key}`).digest('base64');
  const found = known.get(id);
  if (found !== undefined) return found;
  const pair = parse(chain, key);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(id, pair);
  return pair;
}

function parse(chain: string, key: string): KeyPair {
  const [own, ...others] = (chain.match(BLOCK) ?? []).map(parseCertificate);
  if (own === undefined || others.includes(undefined)) return { error: 'has a tls.crt that is no certificate' };
  const privateKey = parsePrivateKey(key);
  if (privateKey === undefined) return { error: 'has a tls.key that is no private key' };
  if (!own.checkPrivateKey(privateKey)) return { error: 'has a tls.key that does not belong to its tls.crt' };
  return { chain, key: new PrivateKey(key) };
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function parsePrivateKey(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
