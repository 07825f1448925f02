import { customResourceDefinition, RESOURCE_KINDS } from '@pulseplane/resources';
import { dump } from 'js-yaml';

/** Where the files are, below the root of the repository. */
export const CRD_FOLDER = 'examples/crds';

/** The text of every file of the folder by name: one CustomResourceDefinition for each kind that is not Kubernetes' own. */
export function renderCrds(): ReadonlyMap<string, string> {
  const kinds = RESOURCE_KINDS.filter(({ group }) => group !== '');
  return new Map(
    kinds.map((kind) => {
      const text = dump(customResourceDefinition(kind), { lineWidth: 120, noRefs: true });
      return [
        `${kind.group}_${kind.plural}.yaml`,
        `# Made of packages/resources by npm run generate; do not edit.\n${text}`,
      ];
    }),
  );
}
