import { qualifiedResource } from '@pulseplane/resources';
import { GROUP_VERSIONS, subresources, verbsOf } from '../discovery.ts';

/** A resource or a subresource (`gateways/history`) with what can be done with it. */
type Served = { readonly group: string; readonly plural: string; readonly verbs: readonly string[] };

/** The answer to an access review. */
export type Access = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** What a client would do with a resource. `*` is whatever there is; an empty group is the core group. */
export type ResourceAccess = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
};

/** Everything that is served below a group and version. */
const SERVED: readonly Served[] = GROUP_VERSIONS.flatMap(({ group, kinds }) =>
  kinds.flatMap((kind) => [
    { group, plural: kind.plural, verbs: verbsOf(kind) },
    ...subresources(kind).map(({ name, verbs }) => ({ group, plural: `${kind.plural}/${name}`, verbs })),
  ]),
);

/** The other paths, in the form of RBAC's rules, whose verbs are HTTP's methods. */
export const OTHER_RULES: readonly { readonly verbs: readonly string[]; readonly paths: readonly string[] }[] = [
  {
    verbs: ['get'],
    paths: [
      '/',
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/metrics',
      '/openapi/*',
      '/readyz',
      '/v1/events',
      '/v1/lint',
      '/v1/workers',
      '/version',
    ],
  },
  { verbs: ['post'], paths: ['/v1/preview'] },
];

/** Whether the API can do something with a resource. Nobody is withheld anything that it can. */
export function resourceAccess({ verb, group, resource, subresource }: ResourceAccess): Access {
  const plural = subresource === '' ? resource : `${resource}/${subresource}`;
  const found = SERVED.filter(
    (served) => (group === '*' || served.group === group) && (plural === '*' || served.plural === plural),
  );
  const [first] = found;
  if (first === undefined) {
    return denied(`the server does not have the resource ${JSON.stringify(qualifiedResource({ group, plural }))}`);
  }
  if (found.some(({ verbs }) => can(verbs, verb))) return { allowed: true };
  const what = plural === '*' ? 'resources' : qualifiedResource(first);
  const verbs = new Set(found.flatMap((served) => served.verbs));
  return denied(`${what} do not have the verb ${JSON.stringify(verb)}, only ${[...verbs].join(', ')}`);
}

/** Whether the API can do something with a path that is no resource's. */
export function pathAccess({ verb, path }: { readonly verb: string; readonly path: string }): Access {
  const found = OTHER_RULES.filter(({ paths }) =>
    paths.some((served) =>
      served.endsWith('/*') ? path.startsWith(served.slice(0, -1)) : path === served || path === '*',
    ),
  );
  if (found.length === 0) return denied(`the server does not have the path ${JSON.stringify(path)}`);
  const verbs = found.flatMap((rule) => rule.verbs);
  if (can(verbs, verb)) return { allowed: true };
  return denied(`the path does not have the verb ${JSON.stringify(verb)}, only ${verbs.join(', ')}`);
}

/** All that anybody can do, as the rules of a SelfSubjectRulesReview. */
export function accessRules() {
  return {
    resourceRules: SERVED.map(({ group, plural, verbs }) => ({ verbs, apiGroups: [group], resources: [plural] })),
    nonResourceRules: OTHER_RULES.map(({ verbs, paths }) => ({ verbs, nonResourceURLs: paths })),
    incomplete: false,
  };
}

function can(verbs: readonly string[], verb: string): boolean {
  return verb === '*' || verbs.includes(verb);
}

function denied(reason: string): Access {
  return { allowed: false, reason };
}
