import { labelValueFaults, qualifiedNameFaults } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';

/** One condition on the labels of an object. */
export type LabelRequirement =
  | { readonly key: string; readonly operator: 'exists' | 'missing' }
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: ReadonlySet<string> }
  | { readonly key: string; readonly operator: 'gt' | 'lt'; readonly bound: bigint };

type Token = { readonly type: 'identifier' | 'symbol' | 'error' | 'end'; readonly text: string };

const END: Token = { type: 'end', text: '' };
const SYMBOLS = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const OPERATORS = 'in, notin, =, ==, !=, gt, lt';
const INTEGER = /^[+-]?\d{1,19}$/;
const MAX_INTEGER = 2n ** 63n;

/**
 * Reads a label selector as Kubernetes does, faults included (k8s.io/apimachinery/pkg/labels/selector.go):
 * `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.
 */
export function readLabelRequirements(text: string): Result<readonly LabelRequirement[], string> {
  return new SelectorReader(text).read();
}

class SelectorReader {
  readonly #tokens: Token[];

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  read(): Result<readonly LabelRequirement[], string> {
    const requirements: LabelRequirement[] = [];
    if (this.#peek().type === 'end') return ok(requirements);
    for (;;) {
      const next = this.#peek();
      if (next.type !== 'identifier' && next.text !== '!') {
        return fail(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      }
      const requirement = this.#requirement();
      if (!requirement.ok) return fail(`unable to parse requirement: ${requirement.error}`);
      requirements.push(requirement.value);
      const after = this.#take();
      if (after.type === 'end') return ok(requirements);
      if (after.text !== ',') return fail(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#peek();
      if (following.type !== 'identifier' && following.text !== '!') {
        return fail(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): Result<LabelRequirement, string> {
    const isNegated = this.#peek().text === '!';
    if (isNegated) this.#take();
    const { type, text: key } = this.#take();
    if (type !== 'identifier') return fail(`found '${key}', expected: identifier`);
    const [fault] = qualifiedNameFaults(key);
    if (fault !== undefined) return fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${fault}`);
    if (isNegated) return ok({ key, operator: 'missing' });
    const next = this.#peek();
    if (next.type === 'end' || next.text === ',') return ok({ key, operator: 'exists' });
    return this.#comparison(key, this.#take().text);
  }

  #comparison(key: string, operator: string): Result<LabelRequirement, string> {
    switch (operator) {
      case 'in':
      case 'notin': {
        const values = this.#valuesInParentheses();
        return values.ok ? this.#checked({ key, operator, values: new Set(values.value) }) : values;
      }
      case '=':
      case '==':
      case '!=': {
        const value = this.#exactValue();
        if (!value.ok) return value;
        return this.#checked({ key, operator: operator === '!=' ? 'notin' : 'in', values: new Set([value.value]) });
      }
      case '>':
      case '<': {
        const value = this.#exactValue();
        if (!value.ok) return value;
        const bound = integer(value.value);
        if (bound !== undefined) return ok({ key, operator: operator === '>' ? 'gt' : 'lt', bound });
        const rule = "for 'Gt', 'Lt' operators, the value must be an integer";
        return fail(`values[0]: Invalid value: ${JSON.stringify(value.value)}: ${rule}`);
      }
      default:
        return fail(`found '${operator}', expected: ${OPERATORS}`);
    }
  }

  /** `=` and `!=` may be followed by nothing, which is the empty value. */
  #exactValue(): Result<string, string> {
    const next = this.#peek();
    if (next.type === 'end' || next.text === ',') return ok('');
    const { type, text } = this.#take();
    return type === 'identifier' ? ok(text) : fail(`found '${text}', expected: identifier`);
  }

  #valuesInParentheses(): Result<readonly string[], string> {
    const open = this.#take();
    if (open.text !== '(') return fail(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    // After a comma, or at the beginning, a missing value is the empty one.
    for (;;) {
      const { type, text } = this.#take();
      if (type === 'identifier') {
        values.push(text);
        const after = this.#take();
        if (after.text === ')') return ok(values);
        if (after.text !== ',') return fail(`found '${after.text}', expected: ',' or ')'`);
        if (this.#peek().text === ')') values.push('');
      } else if (text === ',') {
        values.push('');
      } else if (text === ')') {
        return ok(values);
      } else {
        return fail(`found '${text}', expected: ',', ')' or identifier`);
      }
    }
  }

  #checked(
    requirement: Extract<LabelRequirement, { readonly values: ReadonlySet<string> }>,
  ): Result<LabelRequirement, string> {
    if (requirement.values.size === 0) {
      return fail("values: Invalid value: []string{}: for 'in', 'notin' operators, values set can't be empty");
    }
    for (const [index, value] of [...requirement.values].sort().entries()) {
      const [fault] = labelValueFaults(value);
      if (fault === undefined) continue;
      return fail(`values[${index}][${requirement.key}]: Invalid value: ${JSON.stringify(value)}: ${fault}`);
    }
    return ok(requirement);
  }

  #peek(): Token {
    return this.#tokens[0] ?? END;
  }

  #take(): Token {
    return this.#tokens.shift() ?? END;
  }
}

/** Symbols are as long as they can be; everything between them and white space is an identifier. */
function scan(text: string): Token[] {
  return (text.match(/[=!(),<>]+|[^=!(),<>\s]+/g) ?? []).flatMap((run) =>
    /^[=!(),<>]/.test(run) ? symbolsOf(run) : [{ type: 'identifier', text: run } satisfies Token],
  );
}

function symbolsOf(run: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < run.length; ) {
    const two = run.slice(at, at + 2);
    const text = SYMBOLS.has(two) ? two : run.charAt(at);
    tokens.push({ type: SYMBOLS.has(text) ? 'symbol' : 'error', text });
    at += text.length;
  }
  return tokens;
}

/** A whole number of 64 bits, as Go reads it. */
export function integer(text: string): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value < MAX_INTEGER && value >= -MAX_INTEGER ? value : undefined;
}
