export { bootstrap } from './bootstrap.ts';
export { type Command, type CommandContext, type Preconditions, type Rejection, refOf } from './command.ts';
export { decideOn, execute, type Intent, type Outcome } from './execute.ts';
export type { Idempotency } from './idempotency.ts';
export { fail, ok, type Result } from './result.ts';
