import { RE2JS } from 're2js';

/** Why RE2, which Envoy and gRPC clients match with, does not take a pattern; undefined when it does. */
export function re2Fault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
