import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../system/tools.ts';

/** A command block of a document, and the output that the document promises right after it, if any. */
export type Step = { readonly command: string; readonly output: string | undefined };

/** The `sh` blocks under a heading of the README, each with the `json` or `text` block that follows it. */
export function tutorialSteps(heading: string): readonly Step[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README.md has no section ${heading}`);
  const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh') return [];
    const next = blocks[index + 1];
    const promised = next !== undefined && next.language !== 'sh' ? next.text : undefined;
    return [{ command: text, output: promised }];
  });
}
