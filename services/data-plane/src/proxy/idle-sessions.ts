import { longTimeout } from '../connection/long-timeout.ts';

/** Sessions without a stream, with one timer for all of them. */
export type IdleSessions<Session> = {
  /** It is idle from now on. */
  add(session: Session): void;
  remove(session: Session): void;
};

/** @param onLate a session has been idle for that long */
export function createIdleSessions<Session>(idleMs: number, onLate: (session: Session) => void): IdleSessions<Session> {
  /** By the time since which each is idle, the longest first. */
  const sessions = new Map<Session, number>();
  let isWaiting = false;

  const wait = () => {
    isWaiting = false;
    const now = performance.now();
    for (const [session, since] of sessions) {
      const left = since + idleMs - now;
      if (left > 0) {
        isWaiting = true;
        // One timer for many that follow each other closely.
        longTimeout(left, wait);
        return;
      }
      sessions.delete(session);
      onLate(session);
    }
  };

  return {
    add(session) {
      sessions.delete(session);
      sessions.set(session, performance.now());
      if (isWaiting) return;
      isWaiting = true;
      longTimeout(idleMs, wait);
    },
    remove: (session) => void sessions.delete(session),
  };
}
