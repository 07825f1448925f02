import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needs, ROOT } from '../system/tools.ts';
import { kubectlMinor, readAnswers, readRecordedMinor } from './answers.ts';
import { compareAnswers } from './compare.ts';
import { DIFFERENCES } from './differences.ts';
import { startOwnServer } from './own-server.ts';
import { runSession } from './run-session.ts';
import { SESSION } from './session/index.ts';

const MIN_STEPS = 200;

describe('a real API server and ours answer the same session alike', { skip: needs('kubectl') }, async () => {
  const server = await startOwnServer();
  const ours = await runSession(SESSION, server.url).finally(() => server.stop());
  const theirs = Object.fromEntries(SESSION.map((part) => [part.name, readAnswers(part)]));
  const otherClient = kubectlMinor() === readRecordedMinor() ? false : `recorded with kubectl 1.${readRecordedMinor()}`;
  for (const { part, step, theirs: their, ours: our, equal, reason } of compareAnswers(
    SESSION,
    theirs,
    ours,
    DIFFERENCES,
  )) {
    const isKubectl = SESSION.some(
      ({ name, steps }) => name === part && steps.some((each) => each.name === step && each.run.kind !== 'http'),
    );
    test(`${part}: ${step}`, { skip: isKubectl && otherClient }, () => {
      assert.ok(their, 'there is no answer on record: npm run test:oracle');
      if (reason === undefined) assert.deepEqual(our, their);
      else assert.ok(!equal, `the answers are alike now, but they are listed as different: ${reason}`);
    });
  }
});

describe('the session', () => {
  test('has enough steps, each with a name of its own', () => {
    const names = SESSION.flatMap((part) => part.steps.map(({ name }) => `${part.name}: ${name}`));
    assert.ok(names.length >= MIN_STEPS);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
  });

  test('has no answers or differences of steps that are gone', () => {
    for (const part of SESSION) {
      const names = part.steps.map(({ name }) => name);
      const listed = DIFFERENCES.flatMap(({ steps }) => steps[part.name] ?? []);
      assert.deepEqual(
        [...Object.keys(readAnswers(part)), ...listed].filter((name) => !names.includes(name)),
        [],
      );
    }
  });

  test('names every deliberate difference in docs/api.md', () => {
    const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
    assert.deepEqual(
      DIFFERENCES.map(({ reason }) => reason).filter((reason) => !page.includes(`- ${reason}\n`)),
      [],
    );
  });
});
