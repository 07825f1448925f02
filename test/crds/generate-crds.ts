// Writes examples/crds from the schemas of packages/resources: `npm run generate`.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CRD_FOLDER, renderCrds } from './render-crds.ts';

mkdirSync(CRD_FOLDER, { recursive: true });
for (const file of readdirSync(CRD_FOLDER)) rmSync(join(CRD_FOLDER, file));
for (const [file, text] of renderCrds()) writeFileSync(join(CRD_FOLDER, file), text);
