import { refuse } from '@pulseplane/command-line';
import { backUp, compact, restore, verify } from './log/log-commands.ts';
import { up } from './up/up.ts';

const VERBS: Readonly<Record<string, (argv: readonly string[]) => void | Promise<void>>> = {
  up,
  verify,
  backup: backUp,
  restore,
  compact,
};

const [verb = '', ...rest] = process.argv.slice(2);
const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
if (run !== undefined) await run(rest);
else refuse('pulse', `${JSON.stringify(verb)} is not a command; there are: ${Object.keys(VERBS).join(', ')}`);
