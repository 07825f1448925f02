import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFixture, JSON_PATCH, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';

const APPLY = 'application/apply-patch+yaml';
const STATUS = `${POLICY}/status`;
const WARNING = '299 - "the status is derived here: what is written to it is not kept"';
const condition = { type: 'Programmed', reason: 'A', message: '', lastTransitionTime: '2026-11-22T10:20:30Z' };
const derived = { conditions: [{ ...condition, status: 'True' }] };
const wanted = { conditions: [{ ...condition, status: 'False' }] };

async function withPolicy() {
  const fixture = await createFixture({
    statusOf: ({ ref }) => (ref.kind === 'AgentgatewayPolicy' ? derived : undefined),
  });
  const created = (await fixture.send('POST', POLICIES, TCP_POLICY)).json();
  return { ...fixture, created };
}

type Created = Awaited<ReturnType<typeof withPolicy>>['created'];
type Case = {
  readonly name: string;
  readonly method: 'PUT' | 'PATCH';
  readonly body: (created: Created) => unknown;
  readonly type?: string;
  readonly query?: string;
};

const MERGED = { method: 'PATCH', type: MERGE } as const;

describe('a write of a status is answered with the derived one, and changes nothing', () => {
  const CASES: readonly Case[] = [
    { name: 'an update', method: 'PUT', body: (created) => ({ ...created, status: wanted }) },
    {
      name: 'an update with another spec and labels, which do not count',
      method: 'PUT',
      body: (created) => ({
        ...created,
        metadata: { ...created.metadata, labels: { a: 'b' } },
        spec: { x: 1 },
        status: wanted,
      }),
    },
    { name: 'a merge patch', ...MERGED, body: () => ({ status: wanted }) },
    {
      name: 'a JSON patch on the status as it is read',
      method: 'PATCH',
      type: JSON_PATCH,
      body: () => [
        { op: 'test', path: '/status/conditions/0/status', value: 'True' },
        { op: 'replace', path: '/status/conditions/0/status', value: 'False' },
      ],
    },
    {
      name: 'an apply',
      method: 'PATCH',
      type: APPLY,
      query: '?fieldManager=ci&force=true',
      body: () => ({ ...TCP_POLICY, spec: undefined, status: wanted }),
    },
    { name: 'a dry run', ...MERGED, query: '?dryRun=All', body: () => ({ status: wanted }) },
  ];
  for (const { name, method, body, type = 'application/json', query = '' } of CASES) {
    test(name, async () => {
      const { send, log, created } = await withPolicy();
      const head = log.head();
      const answer = await send(method, STATUS + query, body(created), { 'content-type': type });
      assert.equal(answer.statusCode, 200, answer.body);
      assert.deepEqual(answer.json(), created);
      assert.deepEqual(created.status, derived);
      assert.deepEqual(answer.headers['warning'], [WARNING]);
      assert.equal(log.head(), head);
    });
  }
});

describe('a write of a status is refused', () => {
  const CASES: readonly (Case & { readonly code: number; readonly says: RegExp; readonly path?: string })[] = [
    {
      name: 'of an object that is not there',
      ...MERGED,
      path: `${POLICIES}/x/status`,
      body: () => ({}),
      code: 404,
      says: /not found/,
    },
    {
      name: 'of an old version',
      ...MERGED,
      body: () => ({ metadata: { resourceVersion: '1' }, status: wanted }),
      code: 409,
      says: /the object has been modified/,
    },
    {
      name: 'of another uid',
      ...MERGED,
      body: () => ({ metadata: { uid: 'x' }, status: wanted }),
      code: 409,
      says: /UID in precondition: x/,
    },
    {
      name: 'as an update without a version',
      method: 'PUT',
      body: () => ({ ...TCP_POLICY, status: wanted }),
      code: 422,
      says: /metadata\.resourceVersion: Invalid value: 0x0: must be specified for an update/,
    },
    {
      name: 'of another shape',
      ...MERGED,
      body: () => ({ status: { ancestors: 'none', conditions: 5 } }),
      code: 422,
      says: /status\.ancestors: Invalid value: "string": status\.ancestors in body must be of type array: "string"/,
    },
    {
      name: 'with the name of another object',
      method: 'PUT',
      body: (created) => ({ ...created, metadata: { ...created.metadata, name: 'x' } }),
      code: 400,
      says: /the name of the object \(x\) does not match the name on the URL/,
    },
    {
      name: 'with another kind',
      method: 'PUT',
      body: (created) => ({ ...created, kind: 'Gateway' }),
      code: 422,
      says: /kind: Invalid value: "Gateway": must be AgentgatewayPolicy/,
    },
    {
      name: 'of a patch that fails',
      method: 'PATCH',
      type: JSON_PATCH,
      body: () => [{ op: 'remove', path: '/status/x' }],
      code: 422,
      says: /the server rejected our request/,
    },
    {
      name: 'as an apply by nobody',
      method: 'PATCH',
      type: APPLY,
      body: () => TCP_POLICY,
      code: 422,
      says: /fieldManager: Required value/,
    },
    {
      name: 'in an unknown format',
      method: 'PATCH',
      type: 'text/plain',
      body: () => ({}),
      code: 415,
      says: /accepted media types/,
    },
  ];
  for (const { name, method, body, type = 'application/json', query = '', path = STATUS, code, says } of CASES) {
    test(name, async () => {
      const { send, log, created } = await withPolicy();
      const head = log.head();
      const answer = await send(method, path + query, body(created), { 'content-type': type });
      assert.equal(answer.statusCode, code, answer.body);
      assert.match(answer.json().message, says);
      assert.equal(log.head(), head);
    });
  }
});
