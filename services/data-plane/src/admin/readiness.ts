import { type Page, text } from './endpoint.ts';

/** Whether the worker can be sent traffic. Each part that is not usable yet holds a token by its name. */
export type Readiness = {
  wait(part: string): void;
  ready(part: string): void;
  /** What is to be said beside being ready, if anything. */
  note(text: string | undefined): void;
  page(): Page;
};

/** @param parts those that are pending from the start */
export function createReadiness(parts: readonly string[]): Readiness {
  const pending = new Set(parts);
  let ready = 'ready';
  return {
    wait: (part) => void pending.add(part),
    ready: (part) => void pending.delete(part),
    note: (more) => {
      ready = more === undefined ? 'ready' : `ready, ${more}`;
    },
    page: () =>
      pending.size === 0 ? text(200, ready) : text(500, `not ready, pending: ${[...pending].sort().join(', ')}`),
  };
}
