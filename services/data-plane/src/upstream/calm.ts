/** How long a session may be quiet before it is asked whether it lives, by origin: longer where that was too much. */
export type Calm = {
  quietMs(origin: string): number;
  /** A backend said ENHANCE_YOUR_CALM. */
  complained(origin: string, backendKey: string): void;
};

/** What gRPC servers allow in any case. */
const LONGEST_QUIET_MS = 300_000;

export function createCalm(quietMs: number, onComplaint: (backendKey: string) => void): Calm {
  const byOrigin = new Map<string, number>();
  const current = (origin: string) => byOrigin.get(origin) ?? quietMs;
  return {
    quietMs: current,
    complained(origin, backendKey) {
      byOrigin.set(origin, Math.min(LONGEST_QUIET_MS, current(origin) * 2));
      onComplaint(backendKey);
    },
  };
}
