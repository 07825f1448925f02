import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { PrivateKey } from '../gateway/private-key.ts';
import type { Certificate } from '../gateway/resource.ts';

const HOUR_MS = 3_600_000;
const COMMON_NAME = '0603550403';
const BASIC_CONSTRAINTS = '0603551d13';
const SUBJECT_ALT_NAME = '0603551d11';
/** The identifiers of ecdsa-with-SHA256 and sha256WithRSAEncryption. */
const SIGNATURES = { ec: '06082a8648ce3d040302', rsa: '06092a864886f70d01010b0500' };

/** A certificate of today for some names, that vouches for itself (RFC 5280), and its key. */
export function selfSigned(names: readonly string[], type: 'ec' | 'rsa' = 'ec'): Certificate {
  const { privateKey, publicKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(hex(SIGNATURES[type]));
  const name = sequence(tagged(0x31, sequence(hex(COMMON_NAME), tagged(0x0c, Buffer.from(names[0] ?? '')))));
  const extensions = sequence(
    sequence(hex(BASIC_CONSTRAINTS), hex('0101ff'), tagged(0x04, sequence(hex('0101ff')))),
    sequence(
      hex(SUBJECT_ALT_NAME),
      tagged(0x04, sequence(...names.map((one) => tagged(0x82, Buffer.from(one, 'latin1'))))),
    ),
  );
  const now = Date.now();
  const content = sequence(
    tagged(0xa0, hex('020102')),
    tagged(0x02, Buffer.concat([hex('01'), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - HOUR_MS), time(now + 24 * HOUR_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const signature = tagged(0x03, Buffer.concat([hex('00'), sign('sha256', content, privateKey)]));
  const lines =
    sequence(content, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    chain: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: new PrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  };
}

function hex(bytes: string): Buffer {
  return Buffer.from(bytes, 'hex');
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

/** A value in DER: its tag, its length, its content. */
function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** UTCTime, which is there until 2049. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+|\D/g, '');
  return tagged(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}
