import { type Page, text } from './endpoint.ts';

/** Whether the worker can be sent traffic. Each part that is not usable yet holds a token by its name. */
export type Readiness = {
  wait(part: string): void;
  ready(part: string): void;
  page(): Page;
};

/** @param parts those that are pending from the start */
export function createReadiness(parts: readonly string[]): Readiness {
  const pending = new Set(parts);
  return {
    wait: (part) => void pending.add(part),
    ready: (part) => void pending.delete(part),
    page: () =>
      pending.size === 0 ? text(200, 'ready') : text(500, `not ready, pending: ${[...pending].sort().join(', ')}`),
  };
}
