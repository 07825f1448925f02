import assert from 'node:assert/strict';
import type { Ports } from './running-system.ts';

/** Asks a control plane's REST API. A body that is an array is a JSON patch. */
export function call({ rest }: Ports, method: string, path: string, body?: object): Promise<Response> {
  const type = Array.isArray(body) ? 'application/json-patch+json' : 'application/json';
  return fetch(`http://127.0.0.1:${rest}/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': type } }),
  });
}

/** The same, and fails unless it is done. */
export async function write(ports: Ports, method: string, path: string, body?: object): Promise<void> {
  const response = await call(ports, method, path, body);
  assert.ok(response.ok, `${method} ${path}: ${response.ok ? '' : await response.text()}`);
}
