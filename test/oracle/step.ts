import type { Json } from '@pulseplane/resources';

/** A line of bash, run in the folder and with the kubeconfig of its part. */
export type Shell = { readonly kind: 'shell'; readonly line: string; readonly input: string };

/** A request without kubectl. A body that is no text is sent as JSON. */
export type HttpRequest = {
  readonly kind: 'http';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
};

/** A command that goes on until it has printed so many lines, while others run once it has printed its first ones. */
export type Watch = {
  readonly kind: 'watch';
  readonly line: string;
  readonly first: number;
  readonly then: readonly string[];
  readonly last: number;
};

/** One step of the session; its name is unique in its part. */
export type Step = { readonly name: string; readonly run: Shell | HttpRequest | Watch };

/** Steps in order, in a namespace of their own. Parts do not meet: they may run at the same time. */
export type Part = { readonly name: string; readonly namespace: string; readonly steps: readonly Step[] };

/** A line of bash, with what it reads; an object is written as JSON. */
export function shell(line: string, input: string | object = '', name = line): Step {
  return { name, run: { kind: 'shell', line, input: typeof input === 'string' ? input : JSON.stringify(input) } };
}

type RequestOptions = { readonly type?: string; readonly accept?: string; readonly body?: Json };

/** A request as a client without kubectl sends it. */
export function request(name: string, method: string, path: string, options: RequestOptions = {}): Step {
  const { type = 'application/json', accept = 'application/json', body } = options;
  const headers = { accept, ...(body !== undefined && { 'content-type': type }) };
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  return { name, run: { kind: 'http', method, path, headers, body: text } };
}

/** A watch of which `first` lines are there before the other commands run, and `last` lines after them. */
export function watch(line: string, first: number, then: readonly string[], last: number): Step {
  return { name: `watch: ${line}`, run: { kind: 'watch', line, first, then, last } };
}
