import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimingWheel, type WheelItem } from './timing-wheel.ts';

const TICK = 50;
const BUCKETS = 8;
const ITEMS = 6;
const HORIZON = TICK * (BUCKETS - 1);

class Item implements WheelItem<Item> {
  bucket: WheelItem<Item>['bucket'];
  previous: Item | undefined;
  next: Item | undefined;
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }
}

type Step =
  | { readonly kind: 'put'; readonly item: number; readonly afterMs: number }
  | { readonly kind: 'take'; readonly item: number }
  /** Whatever comes due is put in again, or takes another out. */
  | { readonly kind: 'turn'; readonly ms: number; readonly again: number | undefined; readonly victim: number };

const item = fc.integer({ min: 0, max: ITEMS - 1 });
const wait = fc.integer({ min: -TICK, max: 3 * HORIZON });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), item, afterMs: wait }),
  fc.record({ kind: fc.constant('take' as const), item }),
  fc.record({
    kind: fc.constant('turn' as const),
    ms: fc.integer({ min: 0, max: 3 * HORIZON }),
    again: fc.option(wait, { nil: undefined }),
    victim: item,
  }),
);

test('each item comes once, in the tick that it was put into, and none that was taken out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
      const wheel = new TimingWheel<Item>(TICK, BUCKETS, start);
      const items = Array.from({ length: ITEMS }, (_, name) => new Item(name));
      /** The model: the tick in which each is due. */
      const due = new Map<number, number>();
      let now = start;
      let turnedTo = Math.floor(start / TICK);
      const put = (name: number, afterMs: number) => {
        const wanted = Math.ceil((now + afterMs) / TICK);
        due.set(name, Math.min(Math.max(wanted, turnedTo + 1), turnedTo + BUCKETS - 1));
        wheel.put(items[name] ?? assert.fail('no such item'), now + afterMs);
      };
      const take = (name: number) => {
        due.delete(name);
        wheel.take(items[name] ?? assert.fail('no such item'));
      };

      for (const step of steps) {
        if (step.kind === 'put') put(step.item, step.afterMs);
        else if (step.kind === 'take') take(step.item);
        else {
          now += step.ms;
          turnedTo = Math.floor(now / TICK);
          const expected = new Map([...due].filter(([, tick]) => tick <= turnedTo));
          let last = -1;
          wheel.turn(now, ({ name }) => {
            const tick = expected.get(name);
            assert.ok(tick !== undefined, `item ${name} came, though it is not due`);
            assert.ok(tick >= last, `item ${name} came after one of a later tick`);
            last = tick;
            expected.delete(name);
            due.delete(name);
            if (step.again !== undefined) return put(name, step.again);
            take(step.victim);
            expected.delete(step.victim);
          });
          assert.deepEqual([...expected], [], 'these were due and did not come');
        }
        for (const { name, bucket } of items) assert.equal(bucket !== undefined, due.has(name), `item ${name}`);
      }
    }),
    { numRuns: 2_000 },
  );
});
