import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSystem } from '../system/running-system.ts';

const { H2SPEC_BIN: H2SPEC = 'h2spec' } = process.env;
const skip = spawnSync(H2SPEC, ['--version']).error !== undefined && 'h2spec is not on the PATH, nor in H2SPEC_BIN';

/** Cases that fail, with the reason: those of nghttp2, which is inside Node, fail on a bare node:http2 server too. */
const NGHTTP2: Readonly<Record<string, string>> = {
  'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame': 'a frame on a closed stream is ignored',
  'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame': 'a frame on a closed stream is ignored',
  'http2/5.1 closed: Sends a DATA frame': 'a frame on a closed stream is ignored',
  'http2/5.1 closed: Sends a HEADERS frame': 'a frame on a closed stream is ignored',
  'http2/5.1.1 Sends stream identifier that is numerically smaller than previous': 'it is taken for a closed stream',
  'http2/6.7 Sends a PING frame with ACK': 'Node ends a session whose peer acknowledges a PING that was not sent',
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1':
    'h2spec reads the first GOAWAY alone; the error is in it as INTERNAL_ERROR',
};
const OWN: Readonly<Record<string, string>> = {
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

test('h2spec: a worker fails no case that is not known by name, and none of its own that bare Node passes', {
  skip,
}, async (t) => {
  const bare = createServer();
  bare.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200 });
    stream.end('hello');
  });
  bare.listen(0, '127.0.0.1');
  await once(bare, 'listening');
  t.after(() => bare.close());
  await using system = await startSystem();
  const answered = await fetch(`http://127.0.0.1:${system.ports.http}/`);
  assert.equal(answered.status, 200);
  const [node, worker] = [await h2spec((bare.address() as AddressInfo).port), await h2spec(system.ports.http)];
  for (const [name, { tests, failed }] of Object.entries({ node, worker })) {
    t.diagnostic(`${name}: ${tests - failed.length} of ${tests} cases pass`);
  }
  assert.ok(worker.tests >= 145, `${worker.tests} cases were run`);
  assert.deepEqual(
    worker.failed.filter((name) => !Object.hasOwn(NGHTTP2, name) && !Object.hasOwn(OWN, name)),
    [],
  );
  // What is put down to nghttp2 must be seen without us.
  const notSeen = worker.failed.filter((name) => Object.hasOwn(NGHTTP2, name) && !node.failed.includes(name));
  assert.deepEqual(notSeen, []);
});
