import type { StoredObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';
import { integer, type LabelRequirement, readLabelRequirements } from './label-selector.ts';

/** Whether an object is selected. */
export type Selector = (stored: StoredObject) => boolean;

/** Reads a label selector. */
export function parseLabelSelector(text: string): Result<Selector, string> {
  const requirements = readLabelRequirements(text);
  if (!requirements.ok) return requirements;
  return ok((stored) => requirements.value.every((requirement) => meets(stored, requirement)));
}

/** Reads a field selector on metadata.name and metadata.namespace. */
export function parseFieldSelector(text: string): Result<Selector, string> {
  const selectors: Selector[] = [];
  for (const requirement of text.split(',').filter((part) => part !== '')) {
    const [, field = '', operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(requirement) ?? [];
    if (operator === undefined) return fail(`invalid selector: '${text}'; can't understand '${requirement}'`);
    if (field !== 'metadata.name' && field !== 'metadata.namespace') return fail(`field label not supported: ${field}`);
    const part = field === 'metadata.name' ? 'name' : 'namespace';
    selectors.push(({ ref }) => (ref[part] === value) === (operator !== '!='));
  }
  return ok((stored) => selectors.every((selector) => selector(stored)));
}

function meets({ object }: StoredObject, requirement: LabelRequirement): boolean {
  const labels = object.metadata.labels ?? {};
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'missing':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.has(value);
    case 'notin':
      return value === undefined || !requirement.values.has(value);
    case 'gt':
    case 'lt': {
      const number = integer(value ?? '');
      if (number === undefined) return false;
      return requirement.operator === 'gt' ? number > requirement.bound : number < requirement.bound;
    }
  }
}
