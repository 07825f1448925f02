/** Ports of the worker under test for clients, and of backends in their namespaces. On `ping` HTTP/2 is PINGed too. */
export const PORTS = { http: 3000, tcp: 3001, ping: 3002 } as const;

/** Ports of the worker that lead to one of the backends. Over HTTP/2 each is a path, and so a session, of its own. */
export type UpstreamPorts = { readonly [Name in 'tcp' | 'http1' | 'http2 quiet' | 'http2 busy']: number };

export function upstreamPorts(index: number): UpstreamPorts {
  const first = 4_000 + 10 * index;
  return { tcp: first, http1: first + 1, 'http2 quiet': first + 2, 'http2 busy': first + 3 };
}
