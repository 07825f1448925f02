import type { ASTNode } from '@marcbachmann/cel-js';
import { parseDuration } from '../duration.ts';
import type { Json } from '../object.ts';
import { parseNanoQuantity } from '../quantity.ts';

/**
 * Whether a rule surely holds for a value. False says nothing: the rule may hold, not hold, or not be evaluable, and
 * CEL has to decide. So a predicate can be quick and simple without deciding anything that CEL would decide otherwise.
 */
export type Predicate = (self: Json) => boolean;

/** `self` and the variables of the macros around an expression. */
type Scope = Json[];
type Test = (scope: Scope) => boolean;
type Value = (scope: Scope) => Json | undefined;
type Count = (scope: Scope) => number;
type Names = readonly string[];

/** Thrown while compiling: the rule uses more of CEL than is compiled here. */
class NotCompiled extends Error {}

/** Thrown while evaluating where CEL would have an error. One object, because nobody reads it. */
const UNDECIDED = new Error('undecided');

const SMALL_INTEGER = /^[0-9]{1,9}$/;

/**
 * Compiles the part of CEL that the rules of our schemas are written in: `has`, comparisons, logic, macros over lists,
 * text, durations and quantities. Undefined for a rule that uses anything else.
 */
export function compilePredicate(ast: ASTNode): Predicate | undefined {
  try {
    const test = compileTest(ast, ['self']);
    // One scope for all evaluations: a rule is evaluated to its end before another begins.
    const scope: Scope = [];
    return (self) => {
      scope[0] = self;
      try {
        return test(scope);
      } catch (error) {
        if (error === UNDECIDED) return false;
        throw error;
      }
    };
  } catch (error) {
    if (error instanceof NotCompiled) return undefined;
    throw error;
  }
}

function compileTest(node: ASTNode, names: Names): Test {
  switch (node.op) {
    case '&&': {
      const [left, right] = node.args.map((arg) => compileTest(arg, names)) as [Test, Test];
      return (scope) => left(scope) && right(scope);
    }
    case '||': {
      const [left, right] = node.args.map((arg) => compileTest(arg, names)) as [Test, Test];
      return (scope) => left(scope) || right(scope);
    }
    case '!_': {
      const test = compileTest(node.args, names);
      return (scope) => !test(scope);
    }
    case '?:': {
      const [condition, then, otherwise] = node.args.map((arg) => compileTest(arg, names)) as [Test, Test, Test];
      return (scope) => (condition(scope) ? then(scope) : otherwise(scope));
    }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileComparison(node.op, node.args, names);
    case 'in': {
      const [item, list] = node.args;
      const value = compileValue(item, names);
      const choices = literals(list);
      return (scope) => choices.includes(textOf(value(scope)));
    }
    case 'value':
      if (typeof node.args !== 'boolean') throw new NotCompiled();
      return node.args ? () => true : () => false;
    case 'call':
      return compileFunction(node.args[0], node.args[1], names);
    case 'rcall':
      return compileMethod(node.args[0], node.args[1], node.args[2], names);
    default:
      throw new NotCompiled();
  }
}

function compileFunction(name: string, args: readonly ASTNode[], names: Names): Test {
  const [argument] = args;
  if (argument === undefined || args.length !== 1) throw new NotCompiled();
  if (name === 'has' && argument.op === '.') {
    const [target, field] = argument.args;
    const value = compileValue(target, names);
    return (scope) => Object.hasOwn(objectOf(value(scope)), field);
  }
  if (name === 'isQuantity') {
    const text = compileValue(argument, names);
    return (scope) => parseNanoQuantity(textOf(text(scope))) !== undefined;
  }
  throw new NotCompiled();
}

function compileMethod(name: string, receiver: ASTNode, args: readonly ASTNode[], names: Names): Test {
  const [first, second] = args;
  if (first === undefined) throw new NotCompiled();
  switch (name) {
    case 'all':
    case 'exists':
    case 'exists_one':
      if (second === undefined) throw new NotCompiled();
      return compileMacro(name, receiver, first, second, names);
    case 'isLessThan':
    case 'isGreaterThan': {
      const [left, right] = [compileQuantity(receiver, names), compileQuantity(first, names)];
      return name === 'isLessThan' ? (scope) => left(scope) < right(scope) : (scope) => left(scope) > right(scope);
    }
    case 'matches': {
      const text = compileValue(receiver, names);
      const pattern = new RegExp(literalText(first));
      return (scope) => pattern.test(textOf(text(scope)));
    }
    case 'startsWith':
    case 'endsWith': {
      const text = compileValue(receiver, names);
      const part = literalText(first);
      return (scope) => textOf(text(scope))[name](part);
    }
    case 'contains': {
      const text = compileValue(receiver, names);
      const part = literalText(first);
      return (scope) => textOf(text(scope)).includes(part);
    }
    default:
      throw new NotCompiled();
  }
}

function compileMacro(
  name: 'all' | 'exists' | 'exists_one',
  receiver: ASTNode,
  variable: ASTNode,
  body: ASTNode,
  names: Names,
): Test {
  const list = compileValue(receiver, names);
  const test = compileTest(body, [...names, variableName(variable)]);
  const slot = names.length;
  return (scope) => {
    const items = listOf(list(scope));
    let found = 0;
    for (const item of items) {
      scope[slot] = item;
      if (test(scope)) found += 1;
      else if (name === 'all') return false;
      if (found === 1 && name === 'exists') return true;
    }
    return name === 'all' || (name === 'exists_one' && found === 1);
  };
}

type Ordered = number | bigint;

function compileComparison(
  operator: '==' | '!=' | '<' | '<=' | '>' | '>=',
  [left, right]: readonly [ASTNode, ASTNode],
  names: Names,
): Test {
  if (isDuration(left) && isDuration(right)) {
    return compare(operator, compileDuration(left, names), compileDuration(right, names));
  }
  const count = compileCount(left, names);
  if (count !== undefined) return compare(operator, count, number(compileValue(right, names)));
  if (left.op === '||' && (operator === '==' || operator === '!=')) {
    const [one, other] = [compileTest(left, names), compileTest(right, names)];
    return (scope) => (one(scope) === other(scope)) === (operator === '==');
  }
  const [a, b] = [compileValue(left, names), compileValue(right, names)];
  if (operator !== '==' && operator !== '!=') return compare(operator, number(a), number(b));
  return (scope) => {
    const [one, other] = [a(scope) ?? undecided(), b(scope) ?? undecided()];
    if (typeof one !== typeof other || typeof one === 'object') return undecided();
    return (one === other) === (operator === '==');
  };
}

function compare(
  operator: '==' | '!=' | '<' | '<=' | '>' | '>=',
  a: (scope: Scope) => Ordered,
  b: (scope: Scope) => Ordered,
): Test {
  switch (operator) {
    case '==':
      return (scope) => a(scope) === b(scope);
    case '!=':
      return (scope) => a(scope) !== b(scope);
    case '<':
      return (scope) => a(scope) < b(scope);
    case '<=':
      return (scope) => a(scope) <= b(scope);
    case '>':
      return (scope) => a(scope) > b(scope);
    case '>=':
      return (scope) => a(scope) >= b(scope);
    default:
      return operator satisfies never;
  }
}

/** `[a, b].filter(x, x == true).size()`, counted without making the list. */
function compileCount(node: ASTNode, names: Names): Count | undefined {
  if (node.op !== 'rcall' || node.args[0] !== 'size') return undefined;
  const filter = node.args[1];
  if (filter.op !== 'rcall' || filter.args[0] !== 'filter' || filter.args[1].op !== 'list') return undefined;
  const [variable, kept] = filter.args[2];
  if (variable === undefined || kept?.op !== '==' || kept.args[1].op !== 'value' || kept.args[1].args !== true) {
    return undefined;
  }
  if (kept.args[0].op !== 'id' || kept.args[0].args !== variableName(variable)) return undefined;
  const tests = filter.args[1].args.map((item) => compileTest(item, names));
  return (scope) => {
    let count = 0;
    for (const test of tests) if (test(scope)) count += 1;
    return count;
  };
}

function compileValue(node: ASTNode, names: Names): Value {
  switch (node.op) {
    case 'id': {
      const slot = names.lastIndexOf(node.args);
      if (slot < 0) throw new NotCompiled();
      return (scope) => scope[slot];
    }
    case '.': {
      const [target, field] = node.args;
      const value = compileValue(target, names);
      return (scope) => {
        const object = objectOf(value(scope));
        return Object.hasOwn(object, field) ? object[field] : undecided();
      };
    }
    case 'value': {
      const literal = literalOf(node);
      return () => literal;
    }
    case 'call': {
      const [name, [argument]] = node.args;
      if ((name !== 'string' && name !== 'int') || argument === undefined) throw new NotCompiled();
      return name === 'string' ? asText(compileValue(argument, names)) : asInteger(compileValue(argument, names));
    }
    case '[]': {
      const [list, position] = node.args;
      const items = compileValue(list, names);
      const index = number(() => literalOf(position));
      return (scope) => listOf(items(scope))[index(scope)] ?? undecided();
    }
    case '?:': {
      const [condition, then, otherwise] = node.args;
      const test = compileTest(condition, names);
      const [yes, no] = [compileValue(then, names), compileValue(otherwise, names)];
      return (scope) => (test(scope) ? yes(scope) : no(scope));
    }
    case 'rcall': {
      const [name, receiver] = node.args;
      if (name === 'size') {
        const list = compileValue(receiver, names);
        return (scope) => listOf(list(scope)).length;
      }
      if (name !== 'getMilliseconds' || !isDuration(receiver)) throw new NotCompiled();
      return compileDuration(receiver, names);
    }
    case '%':
    case '+': {
      const [left, right] = node.args.map((arg) => number(compileValue(arg, names))) as [Count, Count];
      return node.op === '%' ? (scope) => left(scope) % right(scope) : (scope) => left(scope) + right(scope);
    }
    default:
      throw new NotCompiled();
  }
}

function isDuration(node: ASTNode): boolean {
  return node.op === 'call' && node.args[0] === 'duration';
}

/** Milliseconds of a duration that the CRDs' pattern allows; CEL knows more, and decides on those. */
function compileDuration(node: ASTNode, names: Names): Count {
  const argument = node.op === 'call' ? node.args[1][0] : undefined;
  if (argument === undefined) throw new NotCompiled();
  if (argument.op === 'value') {
    const milliseconds = parseDuration(literalText(argument));
    if (milliseconds === undefined) throw new NotCompiled();
    return () => milliseconds;
  }
  const text = compileValue(argument, names);
  return (scope) => parseDuration(textOf(text(scope))) ?? undecided();
}

function compileQuantity(node: ASTNode, names: Names): (scope: Scope) => bigint {
  const argument = node.op === 'call' && node.args[0] === 'quantity' ? node.args[1][0] : undefined;
  if (argument === undefined) throw new NotCompiled();
  if (argument.op === 'value') {
    const amount = parseNanoQuantity(literalText(argument));
    if (amount === undefined) throw new NotCompiled();
    return () => amount;
  }
  const text = compileValue(argument, names);
  return (scope) => parseNanoQuantity(textOf(text(scope))) ?? undecided();
}

function asText(value: Value): Value {
  return (scope) => {
    const given = value(scope);
    return typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : textOf(given);
  };
}

function asInteger(value: Value): Value {
  return (scope) => {
    const text = textOf(value(scope));
    return SMALL_INTEGER.test(text) ? Number(text) : undecided();
  };
}

function number(value: Value): Count {
  return (scope) => {
    const given = value(scope);
    return typeof given === 'number' ? given : undecided();
  };
}

function literals(node: ASTNode): readonly string[] {
  if (node.op !== 'list') throw new NotCompiled();
  return node.args.map(literalText);
}

function literalOf(node: ASTNode): Json {
  if (node.op !== 'value') throw new NotCompiled();
  const literal = node.args;
  if (typeof literal === 'bigint') return Number(literal);
  if (typeof literal === 'string' || typeof literal === 'boolean') return literal;
  throw new NotCompiled();
}

function literalText(node: ASTNode): string {
  const literal = literalOf(node);
  if (typeof literal !== 'string') throw new NotCompiled();
  return literal;
}

function variableName(node: ASTNode): string {
  if (node.op !== 'id') throw new NotCompiled();
  return node.args;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : undecided();
}

function objectOf(value: Json | undefined): { readonly [name: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json | undefined })
    : undecided();
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : undecided();
}

function undecided(): never {
  throw UNDECIDED;
}
