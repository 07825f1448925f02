import type { StoredObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';

/** Whether an object is selected. */
export type Selector = (stored: StoredObject) => boolean;

const KEY = '[A-Za-z0-9][-A-Za-z0-9_./]*';
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Reads a label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas. */
export function parseLabelSelector(text: string): Result<Selector, string> {
  const selectors: Selector[] = [];
  for (const requirement of splitRequirements(text)) {
    const selector = parseRequirement(requirement);
    if (selector === undefined) {
      return fail(`unable to parse requirement: ${JSON.stringify(requirement)} is not a label requirement`);
    }
    selectors.push(selector);
  }
  return ok((stored) => selectors.every((selector) => selector(stored)));
}

/** Reads a field selector on metadata.name and metadata.namespace. */
export function parseFieldSelector(text: string): Result<Selector, string> {
  const selectors: Selector[] = [];
  for (const requirement of text.split(',').filter((part) => part !== '')) {
    const [, field = '', operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(requirement) ?? [];
    if (operator === undefined)
      return fail(`invalid selector: ${JSON.stringify(text)}; can't understand ${JSON.stringify(requirement)}`);
    if (field !== 'metadata.name' && field !== 'metadata.namespace') return fail(`field label not supported: ${field}`);
    const part = field === 'metadata.name' ? 'name' : 'namespace';
    selectors.push(({ ref }) => (ref[part] === value) === (operator !== '!='));
  }
  return ok((stored) => selectors.every((selector) => selector(stored)));
}

/** Splits at commas, but not at those between parentheses. */
function splitRequirements(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseRequirement(text: string): Selector | undefined {
  const [, setKey, setOperator, list] = SET.exec(text) ?? [];
  if (setKey !== undefined) {
    const values = new Set((list ?? '').split(',').map((value) => value.trim()));
    return (stored) => values.has(label(stored, setKey) ?? '\0') === (setOperator === 'in');
  }
  const [, key, operator, value] = EQUALITY.exec(text) ?? [];
  if (key !== undefined) return (stored) => (label(stored, key) === value) === (operator !== '!=');
  const [, negation, name] = EXISTS.exec(text) ?? [];
  return name === undefined ? undefined : (stored) => (label(stored, name) !== undefined) === (negation === '');
}

function label({ object }: StoredObject, key: string): string | undefined {
  const labels = object.metadata.labels ?? {};
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
