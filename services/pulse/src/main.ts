import { refuse } from '@pulseplane/command-line';
import { up } from './up/up.ts';

const [verb, ...rest] = process.argv.slice(2);
if (verb === 'up') await up(rest);
else
  refuse('pulse', verb === undefined ? 'give a command: up' : `${JSON.stringify(verb)} is not a command; there is: up`);
