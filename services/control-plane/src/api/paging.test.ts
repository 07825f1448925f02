import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFixture, POLICIES, TCP_POLICY } from './testing/api-fixture.ts';

type Listed = {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly name: string; readonly labels?: object } }[];
};

const named = (name: string, labels: Record<string, string> = {}) => ({ ...TCP_POLICY, metadata: { name, labels } });
const names = ({ items }: Listed) => items.map(({ metadata }) => metadata.name);

async function fixtureWith(...created: readonly string[]) {
  const fixture = await createFixture();
  for (const name of created) await fixture.send('POST', POLICIES, named(name));
  const list = async (query: string): Promise<Listed> => (await fixture.send('GET', `${POLICIES}?${query}`)).json();
  const status = async (query: string) => {
    const { code, reason, message } = (await fixture.send('GET', `${POLICIES}?${query}`)).json();
    return { code, reason, message };
  };
  return { ...fixture, list, status };
}

describe('lists in pages', () => {
  test('every page shows the state that the first was read from', async () => {
    const { send, list } = await fixtureWith('a', 'b', 'c', 'd', 'e');
    const first = await list('limit=2');
    assert.deepEqual(names(first), ['a', 'b']);
    await send('DELETE', `${POLICIES}/c`);
    await send('POST', POLICIES, named('bb'));
    const second = await list(`limit=2&continue=${first.metadata.continue}`);
    assert.deepEqual(names(second), ['c', 'd']);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = await list(`limit=2&continue=${second.metadata.continue}`);
    assert.deepEqual([names(third), third.metadata.continue], [['e'], undefined]);
    assert.deepEqual(names(await list('limit=0')), ['a', 'b', 'bb', 'd', 'e']);
  });

  test('a page holds as many as are selected, and says when there are no more', async () => {
    const { send, list } = await fixtureWith('a', 'b');
    for (const name of ['x', 'y']) await send('POST', POLICIES, named(name, { picked: 'yes' }));
    const page = await list('limit=2&labelSelector=picked%3Dyes');
    assert.deepEqual([names(page), page.metadata.continue], [['x', 'y'], undefined]);
  });

  test('a list of a past version, exactly', async () => {
    const { list } = await fixtureWith('a', 'b', 'c');
    assert.deepEqual(names(await list('resourceVersion=4&resourceVersionMatch=Exact')), ['a', 'b']);
    assert.deepEqual(names(await list('resourceVersion=4&resourceVersionMatch=NotOlderThan')), ['a', 'b', 'c']);
  });

  for (const [query, code, message] of [
    ['limit=some', 400, /limit: Invalid value: "some": must be a number/],
    ['continue=nonsense', 400, /continue key is not valid/],
    ['continue=WzEsMl0', 400, /continue key is not valid/],
    ['continue=WzMsImEiLCJiIl0&resourceVersion=3', 400, /not allowed when using continue/],
    ['resourceVersionMatch=Exact', 422, /is forbidden unless resourceVersion is provided/],
    ['resourceVersion=0&resourceVersionMatch=Exact', 422, /"exact" is forbidden for resourceVersion "0"/],
    ['resourceVersion=1&resourceVersionMatch=Most', 422, /Unsupported value: "Most"/],
    ['resourceVersion=99', 504, /Too large resource version: 99, current: 3/],
    [`continue=${Buffer.from('[99,"a","b"]').toString('base64url')}`, 504, /Too large resource version: 99/],
  ] as const) {
    test(`${query} is refused`, async () => {
      const { status } = await fixtureWith('a');
      const answer = await status(query);
      assert.equal(answer.code, code, answer.message);
      assert.match(answer.message, message);
    });
  }
});
