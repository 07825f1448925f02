import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isTcpHandle, tcpBinding } from './tcp-binding.ts';

test('handles are there, and nobody is warned of how they are found', () => {
  const module = new URL('./tcp-binding.ts', import.meta.url).href;
  const source = `const { tcpBinding } = await import(${JSON.stringify(module)});
    console.log(typeof tcpBinding?.openHandle, process.noDeprecation);`;
  const flags = ['--conditions=@pulseplane/source', '--import', 'tsx', '--pending-deprecation', '--input-type=module'];
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', source], { cwd, encoding: 'utf8' });
  assert.equal(stdout, 'function undefined\n');
  assert.equal(stderr, '');
});

test('a handle that lacks something, or has it as something else, is none', () => {
  const handle = tcpBinding?.openHandle();
  assert.equal(isTcpHandle(handle), true);
  for (const other of [undefined, null, {}, { ...handle }, Object.create(handle ?? null, { fd: { value: '3' } })]) {
    assert.equal(isTcpHandle(other), false);
  }
});
