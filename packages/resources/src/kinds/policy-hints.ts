import { parseDuration } from '../duration.ts';
import type { JsonObject } from '../object.ts';
import { parseBytes } from '../quantity.ts';
import type { Static } from '../typebox.ts';
import type { Frontend } from './frontend.ts';

type Spec = { readonly frontend?: Static<typeof Frontend> };

/** Settings of a policy that do nothing beside others: accepted as agentgateway does, but hardly meant. */
export function policyHints(spec: JsonObject): readonly string[] {
  // The spec fits the schema, which is what the type says.
  const { http } = (spec as unknown as Spec).frontend ?? {};
  if (http === undefined) return [];
  const hints: string[] = [];
  const hint = (field: string, text: string): void => {
    hints.push(`spec.frontend.http.${field}: ${text}`);
  };
  if (http.http2KeepaliveTimeout !== undefined && http.http2KeepaliveInterval === undefined) {
    hint('http2KeepaliveTimeout', 'has no effect without http2KeepaliveInterval, because no PING is sent');
  }
  const [idle, most] = [http.http1IdleTimeout, http.maxConnectionDuration];
  if (idle !== undefined && most !== undefined && (parseDuration(idle) ?? 0) >= (parseDuration(most) ?? 0)) {
    hint('http1IdleTimeout', `${idle} is never reached, because maxConnectionDuration ends connections after ${most}`);
  }
  const [stream, connection] = [http.http2WindowSize, http.http2ConnectionWindowSize];
  if (stream !== undefined && connection !== undefined && (parseBytes(stream) ?? 0) > (parseBytes(connection) ?? 0)) {
    hint('http2WindowSize', `${stream} is never used up, because http2ConnectionWindowSize is ${connection}`);
  }
  return hints;
}
