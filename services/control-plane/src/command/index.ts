export { bootstrap } from './bootstrap.ts';
export {
  type Command,
  type CommandContext,
  type Decision,
  type Preconditions,
  type Rejection,
  refOf,
  type State,
} from './command.ts';
export { DEFAULT_NAMESPACE, decide } from './decide.ts';
export { type ExecuteOptions, execute, type Intent, type Outcome } from './execute.ts';
export { fail, ok, type Result } from './result.ts';
