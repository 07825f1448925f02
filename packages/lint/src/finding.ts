import type { KubernetesObject } from '@pulseplane/resources';
import { type Annotated, isAcknowledged } from './annotation.ts';
import type { Environment } from './environment.ts';
import { RULES, type RuleId, type Severity } from './rule.ts';

/** Something that the numbers say of an object. */
export type Finding = {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly field: string;
  /** With the numbers and their unit. */
  readonly message: string;
  /** Where the numbers, or the rule, are from. */
  readonly source: string;
  /** The environment whose numbers they are. */
  readonly environment?: string;
  /** The object, its namespace or its gateway says that this is known. */
  readonly acknowledged: boolean;
};

/** What a rule has to say, on a field of an object; `around` are those that may acknowledge it for the object. */
export type Observation = {
  readonly rule: RuleId;
  readonly object: KubernetesObject;
  readonly field: string;
  readonly message: string;
  readonly environment?: Environment;
};

/** An observation as it is reported. */
export function toFinding(
  { rule, object, field, message, environment }: Observation,
  around: readonly Annotated[],
): Finding {
  const { namespace, name } = object.metadata;
  return {
    rule,
    severity: RULES[rule].severity,
    object: { kind: object.kind, ...(namespace !== undefined && { namespace }), name },
    field,
    message,
    source: environment?.source ?? RULES[rule].source,
    ...(environment !== undefined && { environment: environment.name }),
    acknowledged: isAcknowledged(rule, [object, ...around]),
  };
}
