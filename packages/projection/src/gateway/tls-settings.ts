/** Cipher suites by agentgateway's names; the first three are those of TLS 1.3. */
export const CIPHER_SUITES = [
  'TLS13_AES_128_GCM_SHA256',
  'TLS13_AES_256_GCM_SHA384',
  'TLS13_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
] as const;
export type CipherSuite = (typeof CIPHER_SUITES)[number];

export type KeyExchangeGroup = 'P-256' | 'P-384' | 'X25519';
export type TlsVersion = '1.2' | '1.3';

/** How handshakes of clients are made. Lists are in order of preference. */
export type TlsSettings = {
  readonly handshakeTimeoutMs?: number;
  readonly alpnProtocols?: readonly string[];
  readonly cipherSuites?: readonly CipherSuite[];
  readonly keyExchangeGroups?: readonly KeyExchangeGroup[];
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
};
