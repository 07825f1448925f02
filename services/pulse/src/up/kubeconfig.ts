import { writeFileSync } from 'node:fs';
import { dump } from 'js-yaml';

/**
 * Writes a kubeconfig for this control plane. A person whose kubectl points at a real cluster must never apply the
 * tutorial there by accident: with KUBECONFIG set to this file that cannot happen.
 */
export function writeKubeconfig(file: string, server: string): void {
  const name = 'pulseplane';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(file, dump(config), { mode: 0o600 });
}
