import { statSync } from 'node:fs';

/**
 * The build puts the program and what it imports in one file, which loads in about half the time. tsc alone does not: a
 * bundle that is older than tsc's last run, or missing, is left alone.
 */
const BUNDLE = new URL('bundle/run.js', import.meta.url);
const TSC_RUN = new URL('.tsbuildinfo', import.meta.url);

if (changedAt(BUNDLE) > changedAt(TSC_RUN)) await import(BUNDLE.href);
else await import('./run.ts');

/** In ms since 1970; 0: there is no such file. */
function changedAt(file: URL): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
