import type { SecureContextOptions, SecureVersion } from 'node:tls';
import type { CipherSuite, TlsSettings, TlsVersion } from '@pulseplane/projection/gateway';

/** The names that OpenSSL has for them. */
const CIPHERS: { readonly [Name in CipherSuite]: string } = {
  TLS13_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS13_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS13_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

const VERSIONS: { readonly [Version in TlsVersion]: SecureVersion } = { '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' };

/** Cipher suites, groups and versions of a handshake as node:tls takes them. */
export function handshakeOptions(settings: TlsSettings): SecureContextOptions {
  const { cipherSuites = [], keyExchangeGroups = [], minVersion, maxVersion } = settings;
  // OpenSSL keeps its suites of TLS 1.3 when none of them is named.
  const without13 = cipherSuites.length > 0 && !cipherSuites.some((name) => name.startsWith('TLS13_'));
  const newest = without13 ? '1.2' : maxVersion;
  return {
    ...(cipherSuites.length > 0 && { ciphers: cipherSuites.map((name) => CIPHERS[name]).join(':') }),
    ...(keyExchangeGroups.length > 0 && { ecdhCurve: keyExchangeGroups.join(':') }),
    ...(minVersion !== undefined && { minVersion: VERSIONS[minVersion] }),
    ...(newest !== undefined && { maxVersion: VERSIONS[newest] }),
  };
}
