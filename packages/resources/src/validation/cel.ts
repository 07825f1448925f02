import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { parseNanoQuantity } from '../quantity.ts';

/** A value as CEL sees it: its int is a BigInt. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly CelValue[]
  | { readonly [key: string]: CelValue };

/** A parsed expression about `self`, and about what it was before where the rule is about a change. */
export type CelProgram = {
  (context: { readonly self: CelValue; readonly oldSelf?: CelValue }): unknown;
  readonly ast: ASTNode;
};

/** A Kubernetes quantity in CEL (an extension that Kubernetes' API server has). */
class Quantity {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerVariable('oldSelf', 'dyn')
  .registerType('Quantity', Quantity)
  .registerFunction('isQuantity(string): bool', (text: string) => parseNanoQuantity(text) !== undefined)
  .registerFunction('quantity(string): Quantity', (text: string) => {
    const nanos = parseNanoQuantity(text);
    if (nanos === undefined) throw new Error(`${JSON.stringify(text)} is not a quantity`);
    return new Quantity(nanos);
  })
  .registerFunction('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.nanos < b.nanos)
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.nanos > b.nanos);

/** Fields whose names are words of CEL; Kubernetes' rules write them `__namespace__`. */
const ESCAPED_FIELD = /\.__(namespace)__/g;

/** Parses an expression; throws when it is not CEL. */
export function parseCel(source: string): CelProgram {
  return environment.parse(source.replaceAll(ESCAPED_FIELD, '.$1'));
}
