/** What ends with an exception that nobody had foreseen: one exchange, one connection of a client, or one to a backend. */
export const FAULTY = ['exchange', 'connection', 'upstream'] as const;
export type Faulty = (typeof FAULTY)[number];

/** Told once of each such exception, when what it ended is being ended. Must not throw. */
export type OnFault = (ended: Faulty, error: Error, id?: string) => void;

/** Whatever was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
