import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import fc from 'fast-check';
import { ALL_POLICIES, createFixture, MERGE, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { listen } from '../testing/stream-client.ts';
import { type SeenEvent, watch } from '../testing/watch-client.ts';

type Item = SeenEvent['object'];

/** The last command of every run: its event tells the watcher that it has seen all. */
const LAST = 'zz-last';

const command = fc.record({
  type: fc.constantFrom('create', 'label', 'spec', 'delete'),
  name: fc.constantFrom('a', 'b', 'c'),
  team: fc.constantFrom('edge', 'core'),
  namespace: fc.constantFrom('httpbin', 'default'),
  retries: fc.integer({ min: 1, max: 3 }),
});
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

const view = fc.record({
  path: fc.constantFrom(POLICIES, ALL_POLICIES),
  selector: fc.constantFrom('', 'labelSelector=team%3Dedge', 'labelSelector=!team', 'fieldSelector=metadata.name!%3Db'),
});

test('folding a watch over the list that it began with gives the list of now', async (context) => {
  const log = createMemoryEventLog();
  const { app, send } = await createFixture({ log });
  const url = await listen(app);
  context.after(() => app.close());

  const run = async ({ type, name, namespace, team, retries }: Command): Promise<void> => {
    const collection = POLICIES.replace('httpbin', namespace);
    const patch = (body: object) => send('PATCH', `${collection}/${name}`, body, { 'content-type': MERGE });
    switch (type) {
      case 'create':
        await send('POST', collection, { ...TCP_POLICY, metadata: { name, labels: { team } } });
        return;
      case 'label':
        await patch({ metadata: { labels: { team: retries === 1 ? null : team } } });
        return;
      case 'spec':
        await patch({ spec: { frontend: { tcp: { keepalive: { retries } } } } });
        return;
      case 'delete':
        await send('DELETE', `${collection}/${name}`);
    }
  };
  const list = async (query: string) => {
    const answer = (await send('GET', query)).json();
    const items = answer.items as readonly Item[];
    return {
      version: answer.metadata.resourceVersion as string,
      items: new Map(items.map((item) => [key(item), item])),
    };
  };

  const property = fc.asyncProperty(
    fc.array(command, { maxLength: 8 }),
    fc.array(command, { maxLength: 12 }),
    view,
    fc.boolean(),
    async (before, after, { path, selector }, opensEarly) => {
      for (const each of before) await run(each);
      const { version, items } = await list(`${path}?${selector}`);
      const open = () => watch(`${url}${path}?watch=1&resourceVersion=${version}&${selector}`);
      const early = opensEarly ? await open() : undefined;
      for (const each of after) await run(each);
      // It enters every view, and leaves it again.
      const labels = selector.includes('!team') ? {} : { team: 'edge' };
      await send('POST', POLICIES, { ...TCP_POLICY, metadata: { name: LAST, labels } });
      await send('DELETE', `${POLICIES}/${LAST}`);
      const client = early ?? (await open());
      let newest = Number(version);
      for (;;) {
        const { type, object } = await client.next();
        const at = Number(object.metadata.resourceVersion);
        assert.ok(at > newest, 'versions ascend');
        newest = at;
        assert.equal(items.has(key(object)), type !== 'ADDED', `${type} ${key(object)}`);
        if (type === 'DELETED') items.delete(key(object));
        else items.set(key(object), object);
        if (type === 'DELETED' && object.metadata.name === LAST) break;
      }
      client.leave();
      const now = await list(`${path}?${selector}`);
      assert.deepEqual(Object.fromEntries(items), Object.fromEntries(now.items));
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

function key({ metadata }: Item): string {
  return `${metadata.namespace}/${metadata.name}`;
}
