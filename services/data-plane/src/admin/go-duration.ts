const UNITS = [
  { suffix: 'h', ms: 3_600_000 },
  { suffix: 'm', ms: 60_000 },
] as const;

/** Whole milliseconds as Go prints a duration: `0s`, `250ms`, `1.5s`, `30s`, `4m5s`, `10m0s`, `5h0m0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1_000) return `${ms}ms`;
  let left = ms;
  let text = '';
  for (const { suffix, ms: unit } of UNITS) {
    const count = Math.floor(left / unit);
    if (count === 0 && text === '') continue;
    text += `${count}${suffix}`;
    left -= count * unit;
  }
  return `${text}${left / 1_000}s`;
}
