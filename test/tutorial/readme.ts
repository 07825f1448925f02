import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../system/running-system.ts';
import { bash, ROOT } from '../system/tools.ts';

/** A command block of a document, and the output that the document promises right after it, if any. */
export type Step = { readonly command: string; readonly output: string | undefined };

/** The `sh` blocks under a heading of a document, each with the `json` or `text` block that follows it. */
export function tutorialSteps(heading: string, document = 'README.md'): readonly Step[] {
  const whole = readFileSync(join(ROOT, document), 'utf8');
  const section = whole.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${document} has no section ${heading}`);
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

/**
 * Runs a step and compares its output. A reading step is repeated until it agrees: the policy travels for some
 * milliseconds, more on a busy machine, and a script is faster than a person.
 */
export async function runStep({ command, output }: Step): Promise<void> {
  const attempt = (): void => {
    const result = bash(command);
    assert.equal(result.code, 0, `${command}\n${result.stderr}`);
    if (output !== undefined) assert.equal(result.stdout, output, command);
  };
  if (command.startsWith('kubectl')) attempt();
  else await eventually(attempt);
}
