import { defineKind, invalidValue, type JsonObject, type ResourceKind, requiredValue } from '@pulseplane/resources';
import { object, text, yesOrNo } from '../openapi-schema.ts';

const texts: JsonObject = { type: 'array', items: text };
const selector: JsonObject = object({
  rawSelector: text,
  requirements: { type: 'array', items: object({ key: text, operator: text, values: texts }) },
});

/** Who the API takes the asker for. */
export const SELF_SUBJECT_REVIEW: ResourceKind = defineKind({
  ...named('authentication.k8s.io', 'SelfSubjectReview'),
  description: 'Says who the API takes the asker for. Not stored.',
  status: object({ userInfo: object({ username: text, groups: texts }) }),
});

/** Whether the asker can do something. */
export const SELF_SUBJECT_ACCESS_REVIEW: ResourceKind = defineKind({
  ...named('authorization.k8s.io', 'SelfSubjectAccessReview'),
  description: 'Says whether the asker can do something. Not stored.',
  spec: object({
    resourceAttributes: object({
      namespace: text,
      verb: text,
      group: text,
      version: text,
      resource: text,
      subresource: text,
      name: text,
      fieldSelector: selector,
      labelSelector: selector,
    }),
    nonResourceAttributes: object({ path: text, verb: text }),
  }),
  // Kubernetes' rules and words.
  checkSpec: ({ resourceAttributes, nonResourceAttributes }) => {
    if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
      const rule = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
      return [invalidValue('spec.resourceAttributes', null, rule)];
    }
    if (resourceAttributes === undefined || nonResourceAttributes === undefined) return [];
    const rule = 'cannot be specified in combination with resourceAttributes';
    return [invalidValue('spec.nonResourceAttributes', nonResourceAttributes, rule)];
  },
  status: object({ allowed: yesOrNo, denied: yesOrNo, reason: text, evaluationError: text }),
});

/** All that the asker can do. */
const SELF_SUBJECT_RULES_REVIEW: ResourceKind = defineKind({
  ...named('authorization.k8s.io', 'SelfSubjectRulesReview'),
  description: 'Says all that the asker can do in a namespace. Not stored.',
  spec: object({ namespace: text }),
  checkSpec: ({ namespace = '' }) => (namespace === '' ? [requiredValue('spec.namespace')] : []),
  status: object({
    resourceRules: {
      type: 'array',
      items: object({ verbs: texts, apiGroups: texts, resources: texts, resourceNames: texts }),
    },
    nonResourceRules: { type: 'array', items: object({ verbs: texts, nonResourceURLs: texts }) },
    incomplete: yesOrNo,
    evaluationError: text,
  }),
});

/** The kinds that are questions: they are created, answered, and not kept. */
export const REVIEW_KINDS: readonly ResourceKind[] = [
  SELF_SUBJECT_REVIEW,
  SELF_SUBJECT_ACCESS_REVIEW,
  SELF_SUBJECT_RULES_REVIEW,
];

function named(group: string, kind: string) {
  const singular = kind.toLowerCase();
  return {
    group,
    version: 'v1',
    kind,
    plural: `${singular}s`,
    singular,
    shortNames: [],
    categories: [],
    namespaced: false,
  };
}
