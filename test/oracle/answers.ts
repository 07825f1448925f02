import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PartAnswers } from './run-session.ts';
import type { Part } from './step.ts';

const RECORDED_WITH = 'kubectl';
const FOLDER = join(import.meta.dirname, 'answers');

/** The kept answers of a real API server to a part; none when it was never recorded. */
export function readAnswers({ name }: Part): PartAnswers {
  const file = fileOf(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PartAnswers) : {};
}

export function writeAnswers({ name }: Part, answers: PartAnswers): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(answers, null, 1)}\n`);
}

/** The minor version of the kubectl on PATH, such as 32. */
export function kubectlMinor(): number {
  const { stdout } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  return Number(/v1\.(\d+)\./.exec(stdout)?.[1]);
}

/** That of the kubectl which the answers were recorded with: the words of some commands change with it. */
export function readRecordedMinor(): number {
  return (JSON.parse(readFileSync(fileOf(RECORDED_WITH), 'utf8')) as { readonly minor: number }).minor;
}

export function writeRecordedMinor(): void {
  writeFileSync(fileOf(RECORDED_WITH), `${JSON.stringify({ minor: kubectlMinor() })}\n`);
}

function fileOf(part: string): string {
  return join(FOLDER, `${part}.json`);
}
