import type { JsonObject, JsonSchema } from '@pulseplane/resources';
import { applyConfiguration, fieldTypeOf, reportConflicts, trackUpdate } from '../index.ts';

/** The kind of the objects of the sessions that follow. */
export type Suite = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: JsonSchema;
};

/** One write. */
export type Step = {
  readonly op: 'apply' | 'update';
  readonly manager: string;
  readonly force?: boolean;
  readonly object: JsonObject;
};

/** The object with its owners after a write, or why it was refused; a conflict has code 409 and causes, sorted. */
export type Answer = {
  readonly object?: JsonObject;
  readonly error?: {
    readonly code?: number;
    readonly message: string;
    readonly causes?: readonly { readonly message: string; readonly field: string }[];
  };
};

/** Answers one write on a live object. The step `second` of a session happens at that second. */
export function answerStep(suite: Suite, live: JsonObject | undefined, step: Step, second: number): Answer {
  const type = fieldTypeOf(suite.schema);
  const time = `2000-01-01T00:00:${String(second).padStart(2, '0')}Z`;
  const writer = { manager: step.manager, apiVersion: `${suite.group}/${suite.version}`, time };
  if (step.op === 'update') {
    const written = live === undefined ? step.object : stored(step.object);
    return { object: stored(written, trackUpdate({ type, live, written, writer })) };
  }
  const applied = applyConfiguration({ type, live, config: step.object, writer, force: step.force ?? false });
  switch (applied.kind) {
    case 'applied':
      return { object: stored(applied.object, applied.managedFields) };
    case 'conflicts': {
      const { message, causes } = reportConflicts(applied.conflicts);
      const sorted = causes.map(({ message, field }) => ({ message, field })).sort(byText);
      return { error: { code: 409, message, causes: sorted } };
    }
    case 'unreadable':
      return { error: { message: applied.reason } };
  }
}

/** An object as the server keeps it: with a uid, and with these owners if they are given. */
function stored(object: JsonObject, owners?: readonly JsonObject[]): JsonObject {
  const { managedFields, ...metadata } = (object['metadata'] ?? {}) as JsonObject;
  const kept = owners ?? managedFields;
  const isKept = owners === undefined ? managedFields !== undefined : owners.length > 0;
  return { ...object, metadata: { ...metadata, uid: 'u', ...(isKept && { managedFields: kept }) } };
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
