// Runs the conformance tests and writes docs/xds-conformance.md: each rule, its test and what came of it. Exit code 1
// when a rule that is offered has no test, or more than one, or its test does not pass.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOGUE, type Item } from './catalogue.ts';

const TESTS = ['packages/xds/src/conformance', 'services/control-plane/src/xds'];
const TARGET = 'docs/xds-conformance.md';

type Result = { readonly number: number; readonly name: string; readonly passed: boolean };

function runTests(): readonly Result[] {
  const files = TESTS.flatMap((folder) => testFiles(folder));
  const directory = mkdtempSync(join(tmpdir(), 'pulseplane-conformance-'));
  const tap = join(directory, 'tests.tap');
  const node = ['--conditions=@pulseplane/source', '--import', 'tsx', '--test'];
  const reporter = ['--test-reporter=tap', `--test-reporter-destination=${tap}`];
  const pattern = '--test-name-pattern=^C\\d+: ';
  spawnSync(process.execPath, [...node, ...reporter, pattern, ...files], { stdio: 'inherit' });
  const lines = readFileSync(tap, 'utf8').split('\n');
  rmSync(directory, { recursive: true });
  return lines.flatMap((line) => {
    const found = /^\s*(not )?ok \d+ - C(\d+): (.*)$/.exec(line);
    if (found === null || /# SKIP/.test(line)) return [];
    return [{ number: Number(found[2]), name: found[3] ?? '', passed: found[1] === undefined }];
  });
}

function row({ number, level, rule, not }: Item, results: readonly Result[]): string {
  const found = results.filter((result) => result.number === number);
  const [first] = found;
  const result = not !== undefined ? `not offered: ${not}` : resultOf(found);
  return `| C${number} | ${level} | ${rule} | ${first?.name ?? ''} | ${result} |`;
}

function resultOf(found: readonly Result[]): string {
  if (found.length !== 1) return found.length === 0 ? 'FAILS: no test' : `FAILS: ${found.length} tests`;
  return found[0]?.passed === true ? 'passes' : 'FAILS';
}

const results = runTests();
const rows = CATALOGUE.map((item) => row(item, results));
writeFileSync(
  TARGET,
  `# Conformance to the xDS transport protocol

Made by \`npm run generate\` from the tests that it runs, in ${TESTS.map((folder) => `\`${folder}\``).join(' and ')}: a raw gRPC client against the server. M: a client breaks without it; S: it is better with it; O: it may be left out. The rules are those of Envoy's xds_protocol.rst and of what Envoy does, as this project counts them.

| | level | rule | test | result |
|---|---|---|---|---|
${rows.join('\n')}
`,
);
const failures = rows.filter((line) => line.includes('| FAILS'));
process.stdout.write(`${rows.length} rules, ${results.filter(({ passed }) => passed).length} tests passed\n`);
for (const line of failures) process.stderr.write(`${line}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

function testFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => join(folder, file));
}
