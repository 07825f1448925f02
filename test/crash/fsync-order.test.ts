import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mersenne } from 'pure-rand/generator/mersenne';
import { spawnControlPlane } from '../system/control-plane-process.ts';
import { eventually, freePorts } from '../system/running-system.ts';
import { needs, type Skip } from '../system/tools.ts';
import { checkFsyncOrder } from './fsync-order.ts';
import { runWorkload } from './workload.ts';
import { WriteRecord } from './writes.ts';

const CLIENTS = 16;
const CALLS = 'trace=write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync';
/** A whole page, each byte at worst as four characters, so that no request id is cut off. */
const SHOWN_BYTES = '20000';

function canTrace(): Skip {
  const missing = needs('strace');
  if (missing !== false) return missing;
  return spawnSync('strace', ['-D', '-o', '/dev/null', 'true']).status !== 0 && 'strace may not trace here';
}

test('no answer leaves before the fsync of what it acknowledges, under 16 clients', { skip: canTrace() }, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-fsync-'));
  const file = join(dataDir, 'trace');
  const seed = randomInt(2 ** 32);
  t.diagnostic(`seed ${seed}`);
  // -D: the control plane is our child, and the tracer its grandchild.
  const wrapper = ['strace', '-D', '-f', '-ttt', '-y', '-s', SHOWN_BYTES, '-e', CALLS, '-o', file];
  const server = spawnControlPlane({ dataDir, ports: await freePorts(), wrapper });
  try {
    await server.ready();
    const record = new WriteRecord();
    let acknowledged = 0;
    await runWorkload({
      port: server.restPort,
      clients: CLIENTS,
      random: mersenne(seed),
      record,
      existing: new Map(),
      round: '1',
      onAcknowledged: () => {
        acknowledged += 1;
        if (acknowledged === 600) void server.kill();
      },
    });
    await eventually(() =>
      assert.match(readFileSync(file, 'utf8'), new RegExp(`^${server.pid} .*\\+\\+\\+ killed`, 'm')),
    );
    const trace = readFileSync(file, 'utf8');
    const checked = checkFsyncOrder(trace);
    t.diagnostic(`${checked.acknowledgements} acknowledgements, ${checked.violations.length} violations`);
    assert.deepEqual(checked.violations, []);
    assert(checked.acknowledgements >= acknowledged, 'the trace lacks answers that clients got');

    const unsynced = trace.split('\n').filter((line) => !/ (fsync|fdatasync)\(.*events\.db-wal/.test(line));
    assert.equal(
      checkFsyncOrder(unsynced.join('\n')).violations.length,
      checked.acknowledgements,
      'the check does not see that the fsyncs are missing',
    );
  } finally {
    await server.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
