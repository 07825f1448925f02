import { parseArgs } from 'node:util';
import { describeSoak, soak } from './soak.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, connections: { type: 'string', default: '2000' } },
});
const [seconds, connections] = [Number(values.seconds), Number(values.connections)];
if (!Number.isInteger(seconds) || seconds < 20 || !Number.isInteger(connections) || connections < 4) {
  process.stderr.write('soak: --seconds and --connections must be whole numbers, of at least 20 and 4\n');
  process.exit(2);
}
const result = await soak({ seconds, connections, onProgress: (line) => void process.stdout.write(`${line}\n`) });
process.stdout.write(`${describeSoak(result)}\n`);
process.exit(result.violations.length === 0 ? 0 : 1);
