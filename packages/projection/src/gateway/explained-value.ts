import type { Backend, Policy } from './resource.ts';

/** A value in force and where it comes from; null: nothing is set and nothing is done. */
export type ExplainedValue = {
  /** As the effective configuration names it: `tcp.idleSeconds`. */
  readonly name: string;
  readonly value: number | string | readonly string[] | null;
  /** The policy or the backend that says so, and the field in which it does; absent: it is the default. */
  readonly source?: ({ readonly policy: Policy } | { readonly backend: Backend }) & { readonly field: string };
};
