import type { Json } from '../object.ts';

/** A rule in CEL; `self` is the value that the rule sits on. */
export type ValidationRule = { readonly rule: string; readonly message: string; readonly messageExpression?: string };

/** The subset of JSON Schema that Kubernetes calls structural, which is all that our kinds use. */
export type JsonSchema = {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: Json;
  readonly format?: string;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema;
  readonly items?: JsonSchema;
  /** Of int-or-string only: tells readers of OpenAPI documents the two types. */
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
  /** A field that upstream has and we do not enforce: refused by name instead of being quietly dropped. */
  readonly 'x-pulseplane-not-enforced'?: true;
};
