import { createHash, randomBytes } from 'node:crypto';

/** A key of AES-256. `id` tells keys apart and gives nothing of them away. */
export type SealingKey = { readonly id: string; readonly bytes: Buffer };

const KEY_BYTES = 32;

/**
 * Reads a key file: one key a line, 32 bytes in base64; empty lines and those that begin with `#` are left out. The
 * first key seals, the others only open. Throws an Error that names the line, and shows nothing of it.
 */
export function parseSealingKeys(text: string): readonly [SealingKey, ...SealingKey[]] {
  const keys = text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const bytes = Buffer.from(trimmed, 'base64');
    if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== trimmed) {
      throw new Error(`line ${index + 1} must be ${KEY_BYTES} bytes in base64`);
    }
    return [{ id: createHash('sha256').update('pulseplane').update(bytes).digest('hex').slice(0, 16), bytes }];
  });
  const [first, ...others] = keys;
  if (first === undefined) throw new Error('there is no key in it');
  return [first, ...others];
}

/** The text of a key file with a new key. */
export function newSealingKeyFile(): string {
  return `# Opens the Secrets of this log. Keep a copy apart from its backups.\n${randomBytes(KEY_BYTES).toString('base64')}\n`;
}
