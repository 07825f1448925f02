/** What JSON.parse does not tell about a text. */
export type JsonScan = {
  readonly depth: number;
  readonly duplicates: readonly string[];
  readonly keys: Iterable<string>;
};

type Frame = { readonly keys: Set<string> | undefined; key: string; expectsKey: boolean };

/**
 * Finds how deep a JSON text is nested and which keys it repeats (JSON.parse keeps the last one silently).
 * The text need not be valid: JSON.parse judges that.
 */
export function scanJson(text: string): JsonScan {
  const frames: Frame[] = [];
  const duplicates: string[] = [];
  const keys = new Set<string>();
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const frame = frames.at(-1);
    switch (text[index]) {
      case '{':
      case '[': {
        const isObject = text[index] === '{';
        frames.push({ keys: isObject ? new Set() : undefined, key: '', expectsKey: isObject });
        depth = Math.max(depth, frames.length);
        break;
      }
      case '}':
      case ']':
        frames.pop();
        break;
      case ',':
        if (frame?.keys !== undefined) frame.expectsKey = true;
        break;
      case '"': {
        const end = endOfString(text, index);
        if (frame?.keys !== undefined && frame.expectsKey) {
          frame.key = decode(text.slice(index, end + 1));
          frame.expectsKey = false;
          if (frame.keys.has(frame.key)) duplicates.push(pathOf(frames));
          frame.keys.add(frame.key);
          keys.add(frame.key);
        }
        index = end;
        break;
      }
    }
  }
  return { depth, duplicates, keys };
}

function endOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text[index - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function decode(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

function pathOf(frames: readonly Frame[]): string {
  return frames
    .filter(({ keys }) => keys !== undefined)
    .map(({ key }) => key)
    .join('.');
}
