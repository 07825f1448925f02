// npm run test:sim -- --seeds N [--first SEED]: runs N simulated networks. Ends with one line of counts; exit code 1 on
// a violation, 2 on a wrong flag.
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10000' }, first: { type: 'string' } } });
const seeds = Number(values.seeds);
const first = values.first === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.first);
if (!Number.isSafeInteger(seeds) || seeds < 1 || !Number.isSafeInteger(first) || first < 0) {
  process.stderr.write(`test:sim: --seeds must be a whole number from 1 on, --first one from 0 on\n`);
  process.exit(2);
}

let messages = 0;
let connections = 0;
let violations = 0;
for (let seed = first; seed < first + seeds; seed += 1) {
  try {
    const counts = simulate(seed);
    messages += counts.messages;
    connections += counts.connections;
  } catch (error) {
    violations += 1;
    process.stderr.write(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
process.stdout.write(
  `seeds ${first} to ${first + seeds - 1}: ${seeds} runs, ${connections} connections, ${messages} messages, ${violations} violations\n`,
);
process.exitCode = violations === 0 ? 0 : 1;
