import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { JsonObject } from '@pulseplane/resources';
import { type Answer, answerStep, type Step, type Suite } from './testing/replay.ts';

type Recorded = { readonly step: Step; readonly answer: Answer };
type Line = { readonly suite: Suite } | { readonly session: readonly Recorded[] };

/**
 * Random sessions that were answered by Kubernetes' own field manager (k8s.io/apimachinery 0.33.4 with
 * structured-merge-diff 4.6.0): applies with and without force, updates, lists of owners that clients send.
 */
const LINES = readFileSync(new URL('../fixtures/sessions.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);

test('every write of the recorded sessions is answered as Kubernetes answers it', () => {
  const seen = { written: 0, conflicts: 0, unreadable: 0 };
  let suite: Suite | undefined;
  for (const [number, line] of LINES.entries()) {
    if ('suite' in line) {
      suite = line.suite;
      continue;
    }
    assert.ok(suite, 'sessions come after their suite');
    let live: JsonObject | undefined;
    for (const [index, { step, answer }] of line.session.entries()) {
      const ours = JSON.parse(JSON.stringify(answerStep(suite, live, step, index))) as Answer;
      assert.deepEqual(ours, answer, `line ${number + 1}, step ${index}`);
      live = answer.object ?? live;
      seen[answer.object ? 'written' : answer.error?.code === 409 ? 'conflicts' : 'unreadable']++;
    }
  }
  assert.deepEqual(seen, { written: 159, conflicts: 30, unreadable: 5 });
});
