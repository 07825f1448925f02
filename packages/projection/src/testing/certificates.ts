import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivateKey } from '../gateway/private-key.ts';
import type { Certificate } from '../gateway/resource.ts';

/** A certificate that openssl made for some names and that vouches for itself. */
export function selfSigned(names: readonly string[], key: 'ec' | 'rsa' = 'ec'): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const algorithm = key === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const altNames = names.map((name) => `DNS:${name}`).join(',');
    execFileSync(
      'openssl',
      [
        ['req', '-x509', '-nodes', '-days', '1', '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${altNames}`],
        ['-newkey', ...algorithm, '-keyout', keyFile, '-out', certificateFile],
      ].flat(),
      { stdio: 'ignore' },
    );
    return { chain: readFileSync(certificateFile, 'utf8'), key: new PrivateKey(readFileSync(keyFile, 'utf8')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
