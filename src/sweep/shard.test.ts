import { expect, it } from 'vitest';
import { ownsBracket, ownsTrial, parseShard } from './shard.ts';

const slurm = (id: number, more: Record<string, string> = {}) => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_COUNT: '4',
  SLURM_ARRAY_TASK_MIN: '0',
  SLURM_ARRAY_TASK_MAX: '3',
  ...more,
});

it.each<[string, Record<string, string>, number, number]>([
  ['1/1', {}, 1, 1],
  ['2/4', { SLURM_ARRAY_TASK_ID: '9' }, 2, 4],
  ['auto', slurm(0), 1, 4],
  ['auto', slurm(3), 4, 4],
  ['auto/4', slurm(2), 3, 4],
  ['auto', slurm(4, { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '4' }), 4, 4],
  ['auto', slurm(5, { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '7', SLURM_ARRAY_TASK_STEP: '2' }), 3, 4],
  ['auto/3', { JOB_COMPLETION_INDEX: '0' }, 1, 3],
  ['auto/3', { JOB_COMPLETION_INDEX: '2' }, 3, 3],
])('--shard %s with %o is shard %i of %i', (text, environment, index, count) => {
  expect(parseShard(text, environment)).toEqual({ index, count });
});

it.each<[string, Record<string, string>, RegExp]>([
  ['0/4', {}, /--shard is 0\/4, but must be i\/n with i from 1 to n/],
  ['5/4', {}, /--shard is 5\/4, but must be/],
  ['2', {}, /--shard is '2', but must be/],
  ['auto/0', {}, /--shard is auto\/0, but must be/],
  ['auto', {}, /neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set/],
  ['auto', { JOB_COMPLETION_INDEX: '0' }, /does not tell the number of pods; pass it too, as in --shard auto\/4/],
  ['auto/2', { JOB_COMPLETION_INDEX: '2' }, /JOB_COMPLETION_INDEX is 2, but with --shard auto\/2 it must be below 2/],
  ['auto/2', { JOB_COMPLETION_INDEX: 'x' }, /JOB_COMPLETION_INDEX is "x", but must be a whole number/],
  ['auto', { SLURM_ARRAY_TASK_ID: '1' }, /but not SLURM_ARRAY_TASK_COUNT and SLURM_ARRAY_TASK_MIN; pass --shard i\/n/],
  [
    'auto/8',
    slurm(1),
    /does not fit a Slurm array of 4 tasks\. To repeat single tasks, pass their shard: --shard i\/8/,
  ],
  // A task below the first one.
  ['auto', { SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '2' }, /task 1 is no shard/],
  // sbatch --array=0,1,2,9
  ['auto', slurm(1, { SLURM_ARRAY_TASK_MAX: '9' }), /the ids of the Slurm array have gaps/],
])('--shard %s with %o is refused', (text, environment, message) => {
  expect(() => parseShard(text, environment)).toThrow(message);
});

it('deals out brackets in turn', () => {
  const shard = { index: 2, count: 3 };
  expect([0, 1, 2, 3, 4].map((bracket) => ownsBracket(shard, bracket))).toEqual([false, true, false, false, true]);
  expect([9, 10, 18, 19].map((trial) => ownsTrial(shard, trial, 9))).toEqual([false, true, true, false]);
});
