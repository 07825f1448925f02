import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { parseQuantity } from '../quantity.ts';

/** A value as CEL sees it: its int is a BigInt. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly CelValue[]
  | { readonly [key: string]: CelValue };

/** A parsed expression about `self`. */
export type CelProgram = { (context: { readonly self: CelValue }): unknown; readonly ast: ASTNode };

/** A Kubernetes quantity in CEL (an extension that Kubernetes' API server has). */
class Quantity {
  readonly amount: bigint;
  constructor(amount: bigint) {
    this.amount = amount;
  }
}

const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerType('Quantity', Quantity)
  .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
  .registerFunction('quantity(string): Quantity', (text: string) => {
    const amount = parseQuantity(text);
    if (amount === undefined) throw new Error(`${JSON.stringify(text)} is not a quantity`);
    return new Quantity(amount);
  })
  .registerFunction('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.amount < b.amount)
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.amount > b.amount);

/** Fields whose names are words of CEL; Kubernetes' rules write them `__namespace__`. */
const ESCAPED_FIELD = /\.__(namespace)__/g;

/** Parses an expression; throws when it is not CEL. */
export function parseCel(source: string): CelProgram {
  return environment.parse(source.replaceAll(ESCAPED_FIELD, '.$1'));
}
