import { expect, it } from 'vitest';
import { Budget } from './budget.ts';

/** Asks for pieces of the given weights; `held` are those that were admitted and not released. */
function ask(budget: Budget, weights: readonly number[]) {
  const held: number[] = [];
  const releases = weights.map((weight, index) =>
    budget.acquire(weight).then((release) => {
      held.push(index);
      return () => {
        held.splice(held.indexOf(index), 1);
        release();
      };
    }),
  );
  const end = async (index: number): Promise<void> => {
    (await releases[index])();
    await settled();
  };
  return { held, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('admits pieces in order, up to a number', async () => {
  const { held, end } = ask(new Budget({ items: 2, weight: 100 }), [1, 1, 1, 1]);
  await settled();
  expect(held).toEqual([0, 1]);
  await end(1);
  expect(held).toEqual([0, 2]);
  await end(0);
  await end(2);
  expect(held).toEqual([3]);
});

it('admits pieces up to a weight, and none before one that waits', async () => {
  const { held, end } = ask(new Budget({ items: 8, weight: 10 }), [6, 5, 1, 4]);
  await settled();
  expect(held).toEqual([0]);
  await end(0);
  expect(held).toEqual([1, 2, 3]);
});

it('admits a piece that is too heavy alone', async () => {
  const { held, end } = ask(new Budget({ items: 8, weight: 10 }), [3, 11, 0, 12]);
  await settled();
  expect(held).toEqual([0]);
  await end(0);
  expect(held).toEqual([1]);
  await end(1);
  expect(held).toEqual([2]);
  await end(2);
  expect(held).toEqual([3]);
});
