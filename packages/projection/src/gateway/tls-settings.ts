import type { CipherSuite } from '@pulseplane/resources';

export type { CipherSuite };

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
