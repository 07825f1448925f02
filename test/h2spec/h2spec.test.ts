import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSystem } from '../system/running-system.ts';

const { H2SPEC_BIN: H2SPEC = 'h2spec' } = process.env;
const skip = spawnSync(H2SPEC, ['--version']).error !== undefined && 'h2spec is not on the PATH, nor in H2SPEC_BIN';

/** Cases that fail, with the reason. */
const KNOWN: Readonly<Record<string, string>> = {
  'http2/3.5 Sends invalid connection preface':
    'the port serves HTTP/1.1 too, so bytes that are no preface get its 400 before the end',
};

type Result = { readonly tests: number; readonly failed: readonly string[] };

/** Runs all cases against a server on loopback; waits 1 s for each answer. */
async function h2spec(port: number): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'pulseplane-h2spec-'));
  const report = join(folder, 'report.xml');
  try {
    const args = ['-h', '127.0.0.1', '-p', String(port), '-o', '1', '-j', report];
    // Its exit code says that some case failed, which is for us to judge.
    await new Promise<void>((resolve) => {
      execFile(H2SPEC, args, { maxBuffer: 1e8, timeout: 300_000 }, () => resolve());
    });
    return readReport(readFileSync(report, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(xml: string): Result {
  const cases = xml.match(/<testcase [\s\S]*?<\/testcase>/g) ?? [];
  const failed = cases.filter((text) => text.includes('<failure') || text.includes('<error'));
  return {
    tests: cases.length,
    failed: failed.map((text) => {
      const [, section, title] = /package="([^"]*)" classname="([^"]*)"/.exec(text) ?? [];
      return `${section} ${title?.replaceAll('&#34;', '"')}`;
    }),
  };
}

test('h2spec: a worker fails no case that is not known by name', { skip }, async (t) => {
  await using system = await startSystem();
  const answered = await fetch(`http://127.0.0.1:${system.ports.http}/`);
  assert.equal(answered.status, 200);
  const { tests, failed } = await h2spec(system.ports.http);
  t.diagnostic(`${tests - failed.length} of ${tests} cases pass`);
  assert.ok(tests >= 145, `${tests} cases were run`);
  assert.deepEqual(failed, Object.keys(KNOWN));
});
