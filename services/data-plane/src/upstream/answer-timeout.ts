/** A backend has the whole request, and its answer did not begin in time. */
export class AnswerTimeoutError extends Error {
  readonly code = 'PULSEPLANE_ANSWER_TIMEOUT';
}
