/** A named resource with the bytes of its body. Equal bytes have equal versions, on every replica. */
export type VersionedResource = { readonly name: string; readonly version: string; readonly body: Uint8Array };

/** The resources of one type that one client may see, by name. */
export type ResourceSet = ReadonlyMap<string, VersionedResource>;

/** The part of a DeltaDiscoveryRequest that the protocol acts on. */
export type DeltaRequest = {
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Empty on a request that answers no response. */
  readonly nonce: string;
  /** Present: the response with this nonce is rejected. */
  readonly error?: string;
};

/** The part of a DeltaDiscoveryResponse that the protocol acts on. */
export type DeltaResponse = {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly VersionedResource[];
  readonly removed: readonly string[];
};

/** One resource that a client refused, and why. */
export type Rejection = { readonly name: string; readonly error: string };

/** The text of a NACK, as agentgateway writes it: which resources are bad; the others of the response are applied. */
export function formatRejections(rejections: readonly Rejection[]): string {
  return JSON.stringify(rejections.map(({ name, error }) => ({ key: name, error })));
}

/** Reads {@link formatRejections}' text. Undefined for another client's free text: then nothing is known per resource. */
export function parseRejections(text: string): readonly Rejection[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const rejections = parsed.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'key' in entry && typeof entry.key === 'string'
      ? [{ name: entry.key, error: 'error' in entry ? String(entry.error) : '' }]
      : [],
  );
  return rejections.length > 0 && rejections.length === parsed.length ? rejections : undefined;
}
