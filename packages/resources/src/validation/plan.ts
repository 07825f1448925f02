import type { Json } from '../object.ts';
import type { CelProgram } from './cel.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Predicate } from './rule-predicate.ts';

/** A rule ready to be evaluated. */
export type Rule = {
  readonly message: string;
  readonly program: CelProgram;
  readonly messageProgram: CelProgram | undefined;
  /** Quickly says that the rule holds; when it does not, CEL decides. Undefined where the rule uses more than it knows. */
  readonly holds: Predicate | undefined;
};

/**
 * A schema prepared for use: what validation would otherwise look up or compute for every object. Objects are
 * validated on the path of every write, so the happy path must find everything here and make nothing.
 */
export type Plan = {
  readonly schema: JsonSchema;
  readonly type: JsonSchema['type'] | 'int-or-string' | 'opaque';
  readonly fields: ReadonlyMap<string, Plan>;
  readonly additional: Plan | undefined;
  readonly items: Plan | undefined;
  readonly required: readonly string[];
  /** Fields with a default, and the default with the defaults inside it. Frozen, because objects share it. */
  readonly defaults: readonly { readonly name: string; readonly value: Json }[];
  readonly pattern: RegExp | undefined;
  readonly rules: readonly Rule[];
  /** The fields that have rules, or have some below them, and are enforced. */
  readonly ruledFields: readonly { readonly name: string; readonly plan: Plan }[];
  /** Whether this value or one below it has rules. */
  readonly ruled: boolean;
  /** Rules that compare the value with the one before it. */
  readonly transitions: readonly Rule[];
  /** The fields that have such rules, or have some below them. */
  readonly transitionFields: readonly { readonly name: string; readonly plan: Plan }[];
};
