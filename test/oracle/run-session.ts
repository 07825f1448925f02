import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Hidden, hide } from './hide.ts';
import type { HttpRequest, Part, Shell, Step, Watch } from './step.ts';

/** What a step said: an exit code or HTTP status, and lines from which what differs from run to run is hidden. */
export type StepAnswer = {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
};

/** The answers of a part, by the names of its steps. */
export type PartAnswers = Readonly<Record<string, StepAnswer>>;

/** The answers of all parts, by their names. */
export type SessionAnswers = Readonly<Record<string, PartAnswers>>;

type Output = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Place = { readonly server: string; readonly folder: string; readonly env: Readonly<Record<string, string>> };

const STEP_TIMEOUT_MS = 120_000;

/** Runs parts at the same time against a server (`http://host:port`). */
export async function runSession(parts: readonly Part[], server: string): Promise<SessionAnswers> {
  const answers = await Promise.all(parts.map((part) => runPart(part, server)));
  return Object.fromEntries(parts.map(({ name }, index) => [name, answers[index] ?? {}]));
}

/** The steps in order, with a home of their own. */
async function runPart(part: Part, server: string): Promise<PartAnswers> {
  const place = prepare(part, server);
  const hidden: Hidden = { server, folder: place.folder };
  const answers: Record<string, StepAnswer> = {};
  for (const step of part.steps) answers[step.name] = hide(await runStep(step, place), hidden);
  return answers;
}

function prepare({ namespace }: Part, server: string): Place {
  const folder = mkdtempSync(join(tmpdir(), 'pulseplane-oracle-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'oracle',
      clusters: [{ name: 'oracle', cluster: { server } }],
      users: [{ name: 'oracle', user: {} }],
      contexts: [{ name: 'oracle', context: { cluster: 'oracle', user: 'oracle', namespace } }],
    }),
  );
  const tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  const { PATH = '' } = process.env;
  return { server, folder, env: { PATH, HOME: folder, KUBECONFIG: kubeconfig, TMPDIR: tmp, TZ: 'UTC', LC_ALL: 'C' } };
}

function runStep({ run }: Step, place: Place): Promise<Output> {
  switch (run.kind) {
    case 'shell':
      return runShell(run, place);
    case 'http':
      return sendRequest(run, place);
    case 'watch':
      return runWatch(run, place);
  }
}

function runShell({ line, input }: Shell, { folder, env }: Place): Promise<Output> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', line], { cwd: folder, env, timeout: STEP_TIMEOUT_MS });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] += chunk;
      });
    }
    // A command that does not read its input may be gone before all of it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code, ...output }));
  });
}

async function sendRequest({ method, path, headers, body }: HttpRequest, { server }: Place): Promise<Output> {
  const response = await fetch(server + path, { method, headers, ...(body !== undefined && { body }) });
  const shown = ['content-type', 'warning'].flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [`${name}: ${value}`];
  });
  return { code: response.status, stdout: await response.text(), stderr: shown.join('\n') };
}

/** Ends the command when it has printed its last line, so that its exit code says nothing. */
async function runWatch({ line, first, then, last }: Watch, place: Place): Promise<Output> {
  const child = spawn('bash', ['-c', `exec ${line}`], { cwd: place.folder, env: place.env, stdio: 'pipe' });
  const timer = setTimeout(() => child.kill(), STEP_TIMEOUT_MS);
  let stdout = '';
  let stderr = '';
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    child.emit('printed');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const printed = (lines: number): Promise<void> => {
    const enough = new Promise<void>((resolve) => {
      const look = (): void => {
        if (stdout.split('\n').length > lines) resolve();
      };
      child.on('printed', look);
      look();
    });
    return Promise.race([enough, closed]);
  };
  await printed(first);
  for (const other of then) await runShell({ kind: 'shell', line: other, input: '' }, place);
  await printed(last);
  child.kill();
  await closed;
  clearTimeout(timer);
  return { code: null, stdout, stderr };
}
