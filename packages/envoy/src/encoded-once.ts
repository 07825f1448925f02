/** A configuration object may be made into so many messages at once; the oldest are made anew. */
const MAX_MESSAGES = 8;

/**
 * The bytes of messages that are made of an object and a few facts, encoded once while both stay what they are: objects
 * that no change has touched are the same ones in the next configuration. They go with their object.
 */
export class EncodedOnce<Source extends object> {
  readonly #known = new WeakMap<Source, Map<string, Uint8Array>>();

  /** @param facts all that `encode` looks at beside the object, as text */
  of(source: Source, facts: string, encode: () => Uint8Array): Uint8Array {
    let messages = this.#known.get(source);
    if (messages === undefined) {
      messages = new Map();
      this.#known.set(source, messages);
    }
    const known = messages.get(facts);
    if (known !== undefined) return known;
    const bytes = encode();
    messages.set(facts, bytes);
    const [oldest] = messages.keys();
    if (messages.size > MAX_MESSAGES && oldest !== undefined) messages.delete(oldest);
    return bytes;
  }
}
