import { isDeepStrictEqual } from 'node:util';
import type { SessionAnswers, StepAnswer } from './run-session.ts';
import type { Part } from './step.ts';

/** Steps that are answered otherwise on purpose: of each part, by name. */
export type Difference = { readonly reason: string; readonly steps: Readonly<Record<string, readonly string[]>> };

/** One step with both answers; with a reason, they have to differ. */
export type Comparison = {
  readonly part: string;
  readonly step: string;
  readonly theirs: StepAnswer | undefined;
  readonly ours: StepAnswer | undefined;
  readonly equal: boolean;
  readonly reason: string | undefined;
};

/** Every step of the session, as both servers answered it. */
export function compareAnswers(
  session: readonly Part[],
  theirs: SessionAnswers,
  ours: SessionAnswers,
  differences: readonly Difference[],
): readonly Comparison[] {
  return session.flatMap((part) =>
    part.steps.map(({ name }) => {
      const their = theirs[part.name]?.[name];
      const our = ours[part.name]?.[name];
      const reason = differences.find(({ steps }) => steps[part.name]?.includes(name))?.reason;
      return { part: part.name, step: name, theirs: their, ours: our, equal: isDeepStrictEqual(their, our), reason };
    }),
  );
}
