import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFixture, MERGE, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { closeLogs, EVENT_LOGS } from '../testing/event-logs.ts';

const NAMES = ['a', 'b'] as const;

type Step = {
  readonly name: (typeof NAMES)[number];
  readonly does: 'create' | 'update' | 'label' | 'delete';
  readonly n: number;
};

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    name: fc.constantFrom(...NAMES),
    does: fc.constantFrom('create', 'update', 'update', 'label', 'delete'),
    n: fc.integer({ min: 1, max: 60 }),
  }),
  { maxLength: 25 },
);

for (const { name, open } of EVENT_LOGS) {
  test(`after any writes, every object is seen at every seq as its last write before left it: ${name} log`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (sequence, choice) => {
        const { send, log, app } = await createFixture({ log: open() });
        /** What each write answered, by seq and name; null: it is gone. */
        const written: { readonly seq: number; readonly name: string; readonly object: object | null }[] = [];
        for (const { name, does, n } of sequence) {
          const before = log.head();
          const answer = await write({ name, does, n });
          if (log.head() > before) written.push({ seq: log.head(), name, object: answer });
        }
        for (let seq = 2; seq <= log.head(); seq++) {
          const expected = NAMES.map((name) => written.findLast((one) => one.name === name && one.seq <= seq)?.object);
          for (const [index, name] of NAMES.entries()) {
            const answer = await send('GET', `${POLICIES}/${name}?at=${seq}`);
            if (expected[index]) assert.deepEqual(answer.json(), expected[index]);
            else assert.equal(answer.statusCode, 404);
          }
          const { items } = (await send('GET', `${POLICIES}?at=${seq}`)).json();
          assert.deepEqual(items, expected.filter(Boolean));
        }
        const versions = written.filter(({ object }) => object !== null);
        const target = versions[choice % Math.max(versions.length, 1)];
        if (target !== undefined) {
          await send('POST', `${POLICIES}/${target.name}/undelete`);
          const rolled = await send('POST', `${POLICIES}/${target.name}/rollback?to=${target.seq}`);
          assert.equal(JSON.stringify(rolled.json().spec), JSON.stringify(specOf(target.object)));
        }
        await app.close();
        await closeLogs();

        async function write({ name, does, n }: Step): Promise<object | null> {
          const url = `${POLICIES}/${name}`;
          if (does === 'delete') return send('DELETE', url).then(() => null);
          if (does === 'create') {
            const metadata = { name, namespace: 'httpbin' };
            return (await send('POST', POLICIES, { ...TCP_POLICY, metadata })).json();
          }
          const change =
            does === 'label'
              ? { metadata: { labels: { n: String(n) } } }
              : { spec: { frontend: { tcp: { keepalive: { time: `${n}s` } } } } };
          return (await send('PATCH', url, change, { 'content-type': MERGE })).json();
        }
      }),
      { numRuns: 40 },
    );
  });
}

function specOf(object: object | null): unknown {
  return object !== null && 'spec' in object ? object.spec : undefined;
}
