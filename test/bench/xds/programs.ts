import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { ROOT } from '../../system/tools.ts';

const SOURCES = join(ROOT, 'test/bench/xds');
const BUILT = join(ROOT, 'node_modules/.cache/pulseplane/bench-xds');
const NAMES = ['clients', 'frame-server', 'product-server'] as const;

/**
 * Makes plain JavaScript of the programs that are measured, with the product's packages as they ship: what runs from
 * source is slowed down by what keeps the names of functions.
 */
export function buildPrograms(): void {
  buildSync({
    entryPoints: NAMES.map((name) => join(SOURCES, `${name}.ts`)),
    outdir: BUILT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
}

export function program(name: (typeof NAMES)[number]): string {
  return join(BUILT, `${name}.mjs`);
}
