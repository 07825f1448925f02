import type { ResourceKind, StoredObject } from '@pulseplane/resources';
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

/** Reads a field selector on metadata.name, metadata.namespace and what else the kind has. */
export function parseFieldSelector(
  text: string,
  kind: Pick<ResourceKind, 'selectableFields'>,
): Result<Selector, string> {
  const selectors: Selector[] = [];
  for (const requirement of text.split(',').filter((part) => part !== '')) {
    const [, field = '', operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(requirement) ?? [];
    if (operator === undefined) return fail(`invalid selector: '${text}'; can't understand '${requirement}'`);
    const read = readerOf(field, kind);
    if (read === undefined) return fail(`field label not supported: ${field}`);
    selectors.push((stored) => (read(stored) === value) === (operator !== '!='));
  }
  return ok((stored) => selectors.every((selector) => selector(stored)));
}

function readerOf(
  field: string,
  { selectableFields = {} }: Pick<ResourceKind, 'selectableFields'>,
): ((stored: StoredObject) => string) | undefined {
  if (field === 'metadata.name') return ({ ref }) => ref.name;
  if (field === 'metadata.namespace') return ({ ref }) => ref.namespace;
  const read = Object.hasOwn(selectableFields, field) ? selectableFields[field] : undefined;
  return read && (({ object }) => read(object));
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
