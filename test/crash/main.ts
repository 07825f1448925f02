import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { describeCounts, runCrashCycles } from './crash-cycles.ts';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '200' }, seed: { type: 'string' } } });
const cycles = Number(values.cycles);
const seed = Number(values.seed ?? randomInt(2 ** 32));
if (!Number.isInteger(cycles) || cycles < 1 || !Number.isInteger(seed)) {
  process.stderr.write('crash test: --cycles and --seed must be whole numbers, and --cycles at least 1\n');
  process.exit(2);
}
process.stdout.write(`crash test: seed ${seed}, ${cycles} cycles\n`);
const counts = await runCrashCycles({
  cycles,
  seed,
  onCycle: (now) => {
    if (now.cycles % 20 === 0) process.stdout.write(`${describeCounts(seed, now)}\n`);
  },
});
for (const violation of counts.violations) process.stdout.write(`${violation}\n`);
process.stdout.write(`${describeCounts(seed, counts)}\n`);
process.exit(counts.violations.length === 0 ? 0 : 1);
