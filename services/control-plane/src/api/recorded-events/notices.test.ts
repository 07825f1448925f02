import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@pulseplane/resources';
import { conditionsIn, noticesOf } from './notices.ts';

const condition = (
  type: string,
  status: string,
  reason: string,
  message: string,
  observedGeneration = 1,
): JsonObject => ({
  type,
  status,
  reason,
  message,
  observedGeneration,
});
const policy = (...conditions: readonly JsonObject[]): JsonObject => ({
  conditions: [condition('Programmed', 'True', 'Programmed', 'said by the ancestor too')],
  ancestors: [{ ancestorRef: { kind: 'Gateway', namespace: 'a', name: 'edge' }, conditions }],
});
const accepted = condition('Accepted', 'True', 'Valid', 'Policy accepted');
const attached = condition('Attached', 'True', 'Attached', 'Attached to all targets');
const programmed = (workers: number, generation = 1) =>
  condition('Programmed', 'True', 'Programmed', `Acknowledged by every connected worker (${workers})`, generation);
const pending = condition('Programmed', 'False', 'Pending', 'Waiting for 1 of 1 workers: w1');
const nacked = condition('Programmed', 'False', 'Invalid', 'Rejected by w1: policy/x: no such thing');

const CASES: readonly (readonly [string, JsonObject | undefined, JsonObject, readonly string[]])[] = [
  [
    'a new policy',
    undefined,
    policy(accepted, attached, pending),
    ['Normal Accepted Gateway a/edge: Policy accepted', 'Normal Attached Gateway a/edge: Attached to all targets'],
  ],
  [
    'acknowledged',
    policy(accepted, attached, pending),
    policy(accepted, attached, programmed(1)),
    ['Normal Programmed Gateway a/edge: Acknowledged by every connected worker'],
  ],
  ['acknowledged by one more worker', policy(programmed(1)), policy(programmed(2)), []],
  [
    'changed and acknowledged at once',
    policy(programmed(1)),
    policy(programmed(1, 2)),
    ['Normal Programmed Gateway a/edge: Acknowledged by every connected worker'],
  ],
  ['waited for', policy(programmed(1)), policy(pending), []],
  [
    'refused by a worker',
    policy(pending),
    policy(nacked),
    ['Warning Rejected Gateway a/edge: Rejected by w1: policy/x: no such thing'],
  ],
  [
    'refused by one more worker',
    policy(nacked),
    policy(condition('Programmed', 'False', 'Invalid', 'Rejected by w1 and 1 more of 3: policy/x: no such thing')),
    [],
  ],
  [
    'overridden',
    policy(attached),
    policy(condition('Attached', 'False', 'Overridden', 'frontend.tcp is overridden by AgentgatewayPolicy a/b')),
    ['Warning Overridden Gateway a/edge: frontend.tcp is overridden by AgentgatewayPolicy a/b'],
  ],
  [
    'without a target',
    undefined,
    {
      conditions: [],
      ancestors: [
        {
          ancestorRef: { group: 'agentgateway.dev', name: 'StatusSummary' },
          conditions: [condition('Attached', 'False', 'Pending', 'Policy is not attached: Gateway a/b not found')],
        },
      ],
    },
    ['Warning NotAttached Policy is not attached: Gateway a/b not found'],
  ],
  [
    'a Gateway with a conflict',
    undefined,
    {
      conditions: [condition('Accepted', 'True', 'Accepted', 'Gateway is accepted')],
      listeners: [
        { name: 'good', conditions: [condition('Accepted', 'True', 'Accepted', 'Listener is accepted')] },
        {
          name: 'bad',
          conditions: [
            condition('Accepted', 'False', 'ProtocolConflict', 'two protocols'),
            condition('Conflicted', 'True', 'ProtocolConflict', 'two protocols'),
            condition('Programmed', 'False', 'Invalid', 'two protocols'),
          ],
        },
      ],
    },
    ['Normal Accepted Gateway is accepted', 'Warning ProtocolConflict listener bad: two protocols'],
  ],
  [
    'a route',
    undefined,
    {
      parents: [
        {
          parentRef: { name: 'edge', sectionName: 'http' },
          conditions: [condition('Accepted', 'False', 'NoMatchingParent', 'no such listener')],
        },
      ],
    },
    ['Warning NoMatchingParent Gateway edge listener http: no such listener'],
  ],
  ['the same again', policy(accepted, attached), policy(accepted, attached), []],
];

for (const [name, before, after, expected] of CASES) {
  test(`what is told of ${name}`, () => {
    const notices = noticesOf(before && conditionsIn(before), conditionsIn(after));
    assert.deepEqual(
      notices.map(({ type, reason, message }) => `${type} ${reason} ${message}`),
      expected,
    );
  });
}
