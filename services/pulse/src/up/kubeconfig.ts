import { writeFileSync } from 'node:fs';
import { dump } from 'js-yaml';

/**
 * Writes a kubeconfig for this control plane. A person whose kubectl points at a real cluster must never apply the
 * tutorial there by accident: with KUBECONFIG set to this file that cannot happen.
 */
export function writeKubeconfig(file: string, server: string): void {
  const name = 'pulseplane';
  // There is no TLS to skip, but the client library for JavaScript takes no http without it.
  const cluster = { server, 'insecure-skip-tls-verify': true };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(file, dump(config), { mode: 0o600 });
}
