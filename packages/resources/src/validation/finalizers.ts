import { type FieldError, invalidValue, tooMany } from './field-error.ts';
import { qualifiedNameFaults } from './names.ts';

const FIELD = 'metadata.finalizers';
const NONE: readonly string[] = [];

/** The most finalizers of an object; Kubernetes has no such limit, but every write compares all of them. */
const MAX_FINALIZERS = 100;

/** What Kubernetes' garbage collector does with the dependents of a deleted object. Here no object has any. */
const FOR_DEPENDENTS: readonly string[] = ['orphan', 'foregroundDeletion'];

/** Names without a domain that Kubernetes itself uses. */
const STANDARD: readonly string[] = [...FOR_DEPENDENTS, 'kubernetes'];

/** The finalizers that somebody must remove before the object may go: none of those about dependents. */
export function pendingFinalizers(finalizers: readonly string[] = NONE): readonly string[] {
  return finalizers.filter((finalizer) => !FOR_DEPENDENTS.includes(finalizer));
}

/** Checks a list of finalizers as Kubernetes does. */
export function checkFinalizers(finalizers: readonly string[], errors: FieldError[]): void {
  if (finalizers.length > MAX_FINALIZERS) {
    errors.push(tooMany(FIELD, finalizers.length, MAX_FINALIZERS));
    return;
  }
  for (const finalizer of finalizers) {
    for (const fault of qualifiedNameFaults(finalizer)) errors.push(invalidValue(FIELD, finalizer, fault));
  }
  if (FOR_DEPENDENTS.every((finalizer) => finalizers.includes(finalizer))) {
    const message = `Invalid value: ${printed(finalizers)}: finalizer ${FOR_DEPENDENTS.join(' and ')} cannot be both set`;
    errors.push({ reason: 'FieldValueInvalid', message, field: FIELD });
  }
}

/** Why an object that is being deleted may not get these finalizers. */
export function addedFinalizers(added: readonly string[]): FieldError {
  const rule = 'no new finalizers can be added if the object is being deleted, found new finalizers';
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${rule} ${printed(added)}`, field: FIELD };
}

/** The finalizers that an object did not have before, in the order of their names. */
export function newFinalizers(
  finalizers: readonly string[] = NONE,
  before: readonly string[] = NONE,
): readonly string[] {
  return [...new Set(finalizers)].filter((finalizer) => !before.includes(finalizer)).sort();
}

/** What the writer of new finalizers should know of their names; Kubernetes' words. */
export function finalizerWarnings(added: readonly string[]): readonly string[] {
  return added
    .filter((finalizer) => !finalizer.includes('/') && !STANDARD.includes(finalizer))
    .map((finalizer) => {
      const advice = `prefer a domain-qualified finalizer name${finalizer.includes('.') ? ' including a path (/)' : ''}`;
      return `${FIELD}: ${JSON.stringify(finalizer)}: ${advice} to avoid accidental conflicts with other finalizer writers`;
    });
}

/** A list as Go prints it. */
function printed(texts: readonly string[]): string {
  return `[]string{${texts.map((text) => JSON.stringify(text)).join(', ')}}`;
}
