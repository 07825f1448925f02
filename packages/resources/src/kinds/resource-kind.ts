import type { JsonObject, KubernetesObject } from '../object.ts';
import type { TSchema } from '../typebox.ts';
import { planOf } from '../validation/compile-plan.ts';
import type { FieldError } from '../validation/field-error.ts';
import type { JsonSchema } from '../validation/json-schema.ts';
import { METADATA_SCHEMA } from '../validation/metadata.ts';
import type { NameFormat } from '../validation/names.ts';
import type { Plan } from '../validation/plan.ts';

/** A column of a kind's Table, besides its name. `jsonPath` is in the subset of `readPath`. */
export type Column = {
  readonly name: string;
  readonly type: 'string' | 'date';
  readonly jsonPath: string;
  /** What is shown in place of the path's value, where no path leads to it. */
  readonly read?: (object: JsonObject) => string;
  readonly description: string;
  /** Columns above zero show with `-o wide` only. */
  readonly priority: number;
};

/** Everything that the API needs to know about a kind. */
export type ResourceKind = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly nameFormat: NameFormat;
  /** The schema of the whole object. */
  readonly schema: JsonSchema;
  /** The schema prepared for validation. */
  readonly plan: Plan;
  readonly columns: readonly Column[];
  /** Checks that the schema cannot express, on a spec that fits it. */
  readonly checkSpec?: (spec: JsonObject) => readonly FieldError[];
  /** The same of a kind without spec, on what it has and had beside metadata; returns that as it is to be stored. */
  readonly readContent?: (
    content: JsonObject,
    before?: JsonObject,
  ) => {
    readonly content: JsonObject;
    readonly errors: readonly FieldError[];
  };
  /** What a writer should know of a good spec: settings that do nothing beside others. Each begins with the field. */
  readonly hints?: (spec: JsonObject) => readonly string[];
  /** What field selectors may name besides metadata.name and metadata.namespace, and how it is read. */
  readonly selectableFields?: { readonly [field: string]: (object: KubernetesObject) => string };
  /** The columns are all that a Table has: no name before them, no age among them. */
  readonly isTable?: boolean;
  /** The status of an object that nothing is known about. */
  readonly initialStatus?: JsonObject;
};

type Definition = Omit<ResourceKind, 'schema' | 'plan' | 'hasStatus' | 'nameFormat' | 'namespaced' | 'columns'> & {
  readonly description: string;
  readonly spec?: TSchema;
  readonly specRequired?: boolean;
  /** Fields beside metadata of a kind that has no spec. */
  readonly content?: { readonly [field: string]: TSchema };
  readonly status?: TSchema;
  readonly columns?: readonly (Omit<Column, 'priority'> & Partial<Pick<Column, 'priority'>>)[];
  readonly namespaced?: boolean;
  readonly nameFormat?: NameFormat;
};

const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'How long ago the object was created.',
  priority: 0,
};

/** Completes a kind: the whole object's schema, the Age column, and all prepared for validation. */
export function defineKind(definition: Definition): ResourceKind {
  const { description, spec, specRequired = spec !== undefined, content, status, columns = [], ...names } = definition;
  const schema: JsonSchema = {
    type: 'object',
    description,
    properties: {
      apiVersion: { type: 'string', description: 'The group and version of this object.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: METADATA_SCHEMA,
      ...(spec !== undefined && { spec }),
      ...content,
      ...(status !== undefined && { status }),
    },
    ...(specRequired && { required: ['spec'] }),
  };
  const complete = columns.map((column) => ({ priority: 0, ...column }));
  return {
    namespaced: true,
    nameFormat: 'subdomain',
    ...names,
    hasStatus: status !== undefined,
    schema,
    plan: planOf(schema),
    columns:
      names.isTable === true
        ? complete
        : [
            ...complete.filter(({ priority }) => priority === 0),
            AGE,
            ...complete.filter(({ priority }) => priority > 0),
          ],
  };
}

/** `apiVersion` of a kind's objects: `v1`, `agentgateway.dev/v1alpha1`. */
export function apiVersionOf({ group, version }: Pick<ResourceKind, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The name of a kind in messages: `agentgatewaypolicies.agentgateway.dev`, `namespaces`. */
export function qualifiedResource({ group, plural }: Pick<ResourceKind, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}
