import type { CipherSuite, KeyExchangeGroup, TlsVersion } from '@pulseplane/projection/gateway';
import {
  TLSConfig_CipherSuite as Cipher,
  TLSConfig_KeyExchangeGroup as Group,
  TLSConfig_TLSVersion as Version,
} from './gen/agentgateway/dev/resource/resource_pb.ts';

export const TLS_CIPHER_SUITES: { readonly [Name in CipherSuite]: Cipher } = {
  TLS13_AES_128_GCM_SHA256: Cipher.TLS_AES_128_GCM_SHA256,
  TLS13_AES_256_GCM_SHA384: Cipher.TLS_AES_256_GCM_SHA384,
  TLS13_CHACHA20_POLY1305_SHA256: Cipher.TLS_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: Cipher.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: Cipher.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: Cipher.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: Cipher.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: Cipher.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: Cipher.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

export const TLS_GROUPS: { readonly [Name in KeyExchangeGroup]: Group } = {
  X25519: Group.X25519,
  'P-256': Group.P256,
  'P-384': Group.P384,
};

export const TLS_VERSIONS: { readonly [Name in TlsVersion]: Version } = {
  '1.2': Version.TLS_V1_2,
  '1.3': Version.TLS_V1_3,
};

/** The other way round. */
export function namesOf<Name extends string, Wire>(values: { readonly [One in Name]: Wire }): ReadonlyMap<Wire, Name> {
  return new Map((Object.entries(values) as [Name, Wire][]).map(([name, value]) => [value, name]));
}
