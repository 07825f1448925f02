// Asks a real API server what it thinks of every case, and writes its answers down for kubernetes.test.ts:
//   kubectl apply --server-side -f examples/crds && kubectl proxy --port 8001 &
//   npm run record:kubernetes -- http://127.0.0.1:8001
// Every write is a dry run.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@pulseplane/resources';
import { KUBERNETES_CASES, type KubernetesCase } from './kubernetes-cases.ts';

type Status = {
  readonly kind: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message: string }[] };
};

const [server = 'http://127.0.0.1:8001'] = process.argv.slice(2);
const answers: Record<string, readonly string[]> = {};
for (const each of KUBERNETES_CASES) answers[each.name] = await answerTo(each);
writeFileSync(join(import.meta.dirname, 'kubernetes-answers.json'), `${JSON.stringify(answers, null, 2)}\n`);

/** The faults that the server finds, in alphabetical order, because its own order changes. */
async function answerTo({ collection, object }: KubernetesCase): Promise<readonly string[]> {
  const response = await fetch(`${server}${collection}?dryRun=All&fieldValidation=Strict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  const answer = (await response.json()) as JsonObject & Status;
  if (answer.kind !== 'Status') return [];
  const faults = (answer.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  return faults.length > 0 ? faults.sort() : [String(answer.message)];
}
