import { expect, it } from 'vitest';
import { Pipeline } from './pipeline.ts';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it('ends calls in the order in which they were made, whatever each takes, and holds two at most', async () => {
  const pipeline = new Pipeline();
  const ended: number[] = [];
  let held = 0;
  let most = 0;
  const results = Array.from({ length: 8 }, (_, index) =>
    pipeline.run(
      async () => {
        most = Math.max(most, ++held);
        await pause(index % 2 === 0 ? 8 : 0);
        return index;
      },
      async (prepared) => {
        await pause(index % 3 === 0 ? 6 : 1);
        held--;
        ended.push(prepared);
        return prepared * 10;
      },
    ),
  );
  expect(await Promise.all(results)).toEqual([0, 10, 20, 30, 40, 50, 60, 70]);
  expect(ended).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(2);
});

it('prepares a call while the one before it is finished', async () => {
  const pipeline = new Pipeline();
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  // Would wait for ever if the second call had to wait for the first.
  const first = pipeline.run(
    async () => undefined,
    () => begun,
  );
  const second = pipeline.run(
    async () => begin(),
    async () => 'second',
  );
  await first;
  expect(await second).toBe('second');
});

it('goes on after a call that fails, in either part, and is idle at the end', async () => {
  const pipeline = new Pipeline();
  const order: string[] = [];
  const call = (name: string, failsIn?: 'prepare' | 'finish') =>
    pipeline
      .run(
        async () => {
          if (failsIn === 'prepare') throw new Error(name);
        },
        async () => {
          await pause(1);
          if (failsIn === 'finish') throw new Error(name);
          return name;
        },
      )
      .then(
        (value) => order.push(value),
        (error: Error) => order.push(`failed ${error.message}`),
      );
  call('a');
  call('b', 'prepare');
  call('c', 'finish');
  call('d');
  await pipeline.idle;
  expect(order).toEqual(['a', 'failed b', 'failed c', 'd']);
});
