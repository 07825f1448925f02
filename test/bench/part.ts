import type { Goal } from './rounds.ts';

/** A part of a bench that can run alone. It prints what it measures and gives what has a goal, or is worth keeping, by name. */
export type Part = {
  readonly goals: Readonly<Record<string, Goal>>;
  readonly run: (directory: string) => Promise<Readonly<Record<string, number>>>;
};

export const ROUNDS = 3;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
