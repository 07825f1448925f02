/** The path of the field that a walk is at. It becomes text only when there is something to say about the field. */
export class FieldPath {
  readonly #root: string;
  readonly #steps: (string | number)[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  push(step: string | number): void {
    this.#steps.push(step);
  }

  pop(): void {
    this.#steps.pop();
  }

  /** The path of a field of this field. */
  of(step: string | number): string {
    return join(this.toString(), step);
  }

  toString(): string {
    return this.#steps.reduce<string>(join, this.#root);
  }
}

function join(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  return path === '' ? step : `${path}.${step}`;
}
