/** What a duration field of agentgateway's CRDs may hold: up to four parts, no decimals, no sign. */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

const PATTERN = new RegExp(DURATION_PATTERN);
const PART = /([0-9]{1,5})(h|ms|m|s)/g;
const MILLISECONDS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Whole milliseconds of a duration such as `1m30s` or `500ms`; undefined when it does not match the pattern. */
export function parseDuration(text: string): number | undefined {
  if (!PATTERN.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * (MILLISECONDS[unit ?? ''] ?? 0);
  return total;
}
