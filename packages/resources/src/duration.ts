/** What a duration field of agentgateway's CRDs may hold: up to four parts, no decimals, no sign. */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

const MAX_PARTS = 4;
const MAX_DIGITS = 5;
const ZERO = 48;
const NINE = 57;

/** Whole milliseconds of a duration such as `1m30s` or `500ms`; undefined when it does not match the pattern. */
export function parseDuration(text: string): number | undefined {
  // By hand, because every duration of every written object is read here, some of them several times.
  let total = 0;
  let parts = 0;
  let at = 0;
  while (at < text.length) {
    const start = at;
    let count = 0;
    for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) {
      count = count * 10 + code - ZERO;
      at += 1;
    }
    const unit = unitAt(text, at);
    if (at === start || at - start > MAX_DIGITS || unit === undefined) return undefined;
    total += count * unit.milliseconds;
    at += unit.length;
    parts += 1;
  }
  return parts >= 1 && parts <= MAX_PARTS ? total : undefined;
}

type Unit = { readonly milliseconds: number; readonly length: number };

const HOUR: Unit = { milliseconds: 3_600_000, length: 1 };
const MINUTE: Unit = { milliseconds: 60_000, length: 1 };
const SECOND: Unit = { milliseconds: 1_000, length: 1 };
const MILLISECOND: Unit = { milliseconds: 1, length: 2 };

function unitAt(text: string, at: number): Unit | undefined {
  switch (text[at]) {
    case 'h':
      return HOUR;
    case 's':
      return SECOND;
    case 'm':
      return text[at + 1] === 's' ? MILLISECOND : MINUTE;
    default:
      return undefined;
  }
}
