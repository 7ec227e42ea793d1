import { expect, it } from 'vitest';
import { Pipeline } from './pipeline.ts';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const nothing = async () => undefined;

it('ends calls in the order in which they were made, uses what they share one by one, and holds three at most', async () => {
  const pipeline = new Pipeline();
  const ended: number[] = [];
  let held = 0;
  let most = 0;
  let using = 0;
  const results = Array.from({ length: 9 }, (_, index) =>
    pipeline.run({
      prepare: async () => {
        most = Math.max(most, ++held);
        await pause(index % 2 === 0 ? 8 : 0);
        return index;
      },
      use: async (prepared) => {
        expect(++using).toBe(1);
        await pause(index % 3 === 0 ? 6 : 1);
        using--;
        return prepared * 10;
      },
      finish: async (used) => {
        await pause(index % 4 === 0 ? 7 : 1);
        held--;
        ended.push(index);
        return used + 1;
      },
    }),
  );
  expect(await Promise.all(results)).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81]);
  expect(ended).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(most).toBe(3);
});

it('prepares and uses a call while the ones before it are used and finished', async () => {
  const pipeline = new Pipeline();
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let prepared = () => {};
  const isPrepared = new Promise<void>((resolve) => {
    prepared = resolve;
  });
  // Would wait for ever if a part had to wait for the part before it in an earlier call.
  const first = pipeline.run({ prepare: nothing, use: nothing, finish: () => begun });
  const second = pipeline.run({
    prepare: nothing,
    use: async () => {
      await isPrepared;
      begin();
    },
    finish: async () => 'second',
  });
  const third = pipeline.run({ prepare: async () => prepared(), use: nothing, finish: async () => 'third' });
  await first;
  expect(await Promise.all([second, third])).toEqual(['second', 'third']);
});

it('goes on after a call that fails, in any part, and is idle at the end', async () => {
  const pipeline = new Pipeline();
  const order: string[] = [];
  const call = (name: string, failsIn?: 'prepare' | 'use' | 'finish') => {
    const part = async (own: string) => {
      await pause(1);
      if (failsIn === own) throw new Error(name);
      return name;
    };
    pipeline.run({ prepare: () => part('prepare'), use: () => part('use'), finish: () => part('finish') }).then(
      (value) => order.push(value),
      (error: Error) => order.push(`failed ${error.message}`),
    );
  };
  call('a');
  call('b', 'prepare');
  call('c', 'finish');
  call('d', 'use');
  call('e', 'prepare');
  call('f');
  await pipeline.idle;
  await pause(0);
  expect(order).toEqual(['a', 'failed b', 'failed c', 'failed d', 'failed e', 'f']);
});
