import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readRequest } from './request.ts';

const NAMES = 1_024;
const NAME_BYTES = 16_000;

test('names that clients make up are not kept', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < NAMES; n += 1) {
    // As it comes from a header block: bytes of its own.
    const name = Buffer.alloc(NAME_BYTES, `x${n}-`).toString('latin1');
    const { kind } = readRequest([':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'a', name, 'b']);
    assert.equal(kind, 'good');
  }
  collect();
  const kept = process.memoryUsage().heapUsed - before;
  assert.ok(kept < (NAMES * NAME_BYTES) / 8, `${kept} bytes are kept`);
});
