// The gate: `npm run check` runs every stage in this order and stops at the first that fails.
// Stages may be named to run only those: `npm run check -- lint types`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { ROOT } from './set-up.mjs';

const GENERATED = ['packages/wire/src/gen', 'examples/crds', 'docs/xds-conformance.md'];
// A file that does not end is a failure, not a wait without end. In milliseconds.
const NODE_TEST = ['--conditions=@pulseplane/source', '--import', 'tsx', '--test', '--test-timeout=600000'];

const STAGES = {
  generate,
  lint: () => run('biome', ['ci', '--error-on-warnings']),
  types: () => {
    runNode('node_modules/turbo/bin/turbo', ['run', 'build', '--output-logs=errors-only']);
    run('tsc', ['-p', 'tsconfig.test.json']);
  },
  imports,
  'dead-code': () => run('knip', []),
  unit: () => runTests('unit', [...tests('packages'), ...tests('services')], []),
  process: () => runTests('process', tests('test'), ['--test-concurrency=1']),
};

const wanted = process.argv.slice(2);
for (const name of wanted)
  if (!(name in STAGES)) fail(`${name} is not a stage; there are: ${Object.keys(STAGES).join(', ')}`, 2);
const totals = { pass: 0, fail: 0, skipped: 0 };
for (const [name, stage] of Object.entries(STAGES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`\n== ${name}\n`);
  const startedAt = Date.now();
  stage();
  process.stdout.write(`== ${name}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}
process.stdout.write(`\n${totals.pass} passed, ${totals.fail} failed, ${totals.skipped} skipped\n`);

/** The generated files in the tree must be what the generators make of proto/ and of the schemas. */
function generate() {
  const before = GENERATED.map((folder) => treeHash(join(ROOT, folder)));
  run('buf', ['lint']);
  run('npm', ['run', '--silent', 'generate']);
  const stale = GENERATED.filter((folder, index) => treeHash(join(ROOT, folder)) !== before[index]);
  if (stale.length > 0) fail(`${stale.join(' and ')} was not what npm run generate makes; commit the new files`);
}

/** A cruise that reads no module finds nothing wrong either, so the count is looked at. */
function imports() {
  const args = ['packages', 'services', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  const result = spawnSync(bin('depcruise'), args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  if (result.error || !result.stdout) fail(`dependency-cruiser did not run: ${result.stderr}`);
  const { summary } = JSON.parse(result.stdout);
  for (const { rule, from, to } of summary.violations) process.stdout.write(`${rule.name}: ${from} -> ${to}\n`);
  process.stdout.write(`${summary.totalCruised} modules, ${summary.violations.length} violations\n`);
  if (summary.totalCruised < 50) fail('too few modules were read: the import check does not work');
  if (summary.violations.length > 0) fail('an import goes against the direction');
}

/** In CI nothing may be skipped: a test that says "skipped" there has found a tool missing. */
function runTests(kind, files, args) {
  if (files.length === 0) fail(`no ${kind} tests found`);
  const directory = mkdtempSync(join(tmpdir(), 'pulseplane-check-'));
  const tap = join(directory, 'tests.tap');
  const reporters = ['spec', 'stdout', 'tap', tap].map((value, index) =>
    index % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  );
  const { status } = spawnSync(process.execPath, [...NODE_TEST, ...args, ...reporters, ...files], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const summary = readFileSync(tap, 'utf8');
  rmSync(directory, { recursive: true });
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
  for (const name of Object.keys(totals)) totals[name] += count(name);
  totals.fail += count('cancelled');
  if (status !== 0) fail(`${kind} tests failed`);
  if (count('pass') === 0) fail(`no ${kind} test ran`);
  if (process.env.CI === 'true' && count('skipped') > 0)
    fail(`in CI nothing may be skipped, but ${count('skipped')} ${kind} tests were`);
}

function tests(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => join(folder, file))
    .sort();
}

function treeHash(folder) {
  const hash = createHash('sha256');
  const files = statSync(folder).isFile() ? [''] : readdirSync(folder, { recursive: true }).sort();
  for (const file of files) {
    const path = join(folder, file);
    if (statSync(path).isFile())
      hash.update(relative(folder, path)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function bin(name) {
  return join(ROOT, 'node_modules/.bin', name);
}

function run(name, args) {
  spawn(name === 'npm' ? name : bin(name), args, name);
}

function runNode(script, args) {
  spawn(process.execPath, [join(ROOT, script), ...args], script);
}

function spawn(command, args, name) {
  const path = [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) fail(`${name} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

function fail(message, code = 1) {
  process.stderr.write(`check: ${message}\n`);
  process.exit(code);
}
