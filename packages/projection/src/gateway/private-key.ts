/** A private key in PEM. It is there for the wire and for handshakes, and is hidden wherever an object is shown. */
export class PrivateKey {
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** The key itself, for those two alone. */
  reveal(): string {
    return this.#pem;
  }

  toJSON(): string {
    return '***';
  }
}
