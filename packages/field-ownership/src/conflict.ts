import type { Conflict } from './apply.ts';
import { compareText, type ManagedFieldsEntry } from './managed-fields.ts';
import { printPath } from './path-element.ts';

/** Conflicts in Kubernetes' words: all of them in one text, and each with its field. */
export type ConflictReport = {
  readonly message: string;
  readonly causes: readonly {
    readonly reason: 'FieldManagerConflict';
    readonly message: string;
    readonly field: string;
  }[];
};

/** Words the conflicts of an application. */
export function reportConflicts(conflicts: readonly Conflict[]): ConflictReport {
  const sorted = conflicts.toSorted((a, b) => compareText(printOwner(a.owner), printOwner(b.owner)));
  const causes = sorted.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict' as const,
    message: `conflict with ${printOwner(owner)}`,
    field: printPath(path),
  }));
  const [first] = causes;
  if (first !== undefined && causes.length === 1) {
    return { message: `Apply failed with 1 conflict: ${first.message}: ${first.field}`, causes };
  }
  const owners = [...new Set(sorted.map(({ owner }) => printOwner(owner)))];
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...sorted.filter((conflict) => printOwner(conflict.owner) === owner).map(({ path }) => `- ${printPath(path)}`),
  ]);
  return { message: `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`, causes };
}

function printOwner({ manager, operation, apiVersion, subresource }: ManagedFieldsEntry): string {
  const name =
    JSON.stringify(manager) + (subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
