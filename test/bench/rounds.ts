/** The middle one of an odd number of measurements, the lower middle of an even number. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

/** The value below which a share (0 to 1) of the measurements lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What a ratio must be. */
export type Goal = `>=${number}` | `<=${number}` | `<${number}`;

/** Prints the last line of a bench: what was measured as ratios, what was wanted, and whether all of it is met. */
export function conclude(
  bench: string,
  ratios: Readonly<Record<string, number>>,
  goals: Readonly<Record<string, Goal>>,
): void {
  const met = Object.entries(goals).every(([name, goal]) => {
    const value = ratios[name];
    return value !== undefined && meets(value, goal);
  });
  const rounded = Object.fromEntries(Object.entries(ratios).map(([name, value]) => [name, Number(value.toFixed(2))]));
  process.stdout.write(`${JSON.stringify({ bench, ratios: rounded, goals, met })}\n`);
}

function meets(value: number, goal: Goal): boolean {
  const limit = Number(goal.replace(/^[<>]=?/, ''));
  if (goal.startsWith('>=')) return value >= limit;
  return goal.startsWith('<=') ? value <= limit : value < limit;
}
