import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

export function chance(random: RandomGenerator, probability: number): boolean {
  return uniformFloat64(random) < probability;
}

export function pick<Value>(random: RandomGenerator, values: readonly [Value, ...Value[]]): Value;
export function pick<Value>(random: RandomGenerator, values: readonly Value[]): Value | undefined;
export function pick<Value>(random: RandomGenerator, values: readonly Value[]): Value | undefined {
  return values.length === 0 ? undefined : values[uniformInt(random, 0, values.length - 1)];
}

export function subset(random: RandomGenerator, values: readonly string[]): ReadonlySet<string> {
  return new Set(values.filter(() => chance(random, 0.5)));
}
