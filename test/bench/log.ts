import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Part } from './part.ts';
import { ready } from './ready.ts';
import { conclude } from './rounds.ts';
import { writes } from './writes.ts';

const PARTS = new Map<string, Part>([
  ['writes', writes],
  ['ready', ready],
]);

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const parts = [...PARTS].filter(([name]) => values.only === undefined || name === values.only).map(([, part]) => part);
if (parts.length === 0) {
  process.stderr.write(`bench:log: --only ${values.only}: there are ${[...PARTS.keys()].join(', ')}\n`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'pulseplane-bench-log-'));
const ratios: Record<string, number> = {};
try {
  for (const part of parts) Object.assign(ratios, await part.run(directory));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
conclude('log', ratios, Object.assign({}, ...parts.map(({ goals }) => goals)));
