import { FaceparseError } from '../text/errors.ts';

/** A part of a sweep: number `index`, from 1, of `count` parts. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

const form = 'i/n with i from 1 to n, such as --shard 2/4, or auto, or auto/n';

function fail(message: string): never {
  throw new FaceparseError(message, { exitCode: 2 });
}

function numberIn(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  if (!/^\d+$/.test(text)) fail(`${name} is ${JSON.stringify(text)}, but must be a whole number`);
  return Number(text);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The shard of a Slurm array task. */
function slurmShard(environment: Environment, id: number, given: number | undefined): Shard {
  const count = numberIn(environment, 'SLURM_ARRAY_TASK_COUNT');
  const first = numberIn(environment, 'SLURM_ARRAY_TASK_MIN');
  const last = numberIn(environment, 'SLURM_ARRAY_TASK_MAX');
  const step = numberIn(environment, 'SLURM_ARRAY_TASK_STEP') ?? 1;
  if (count === undefined || first === undefined) {
    return fail(
      'SLURM_ARRAY_TASK_ID is set, but not SLURM_ARRAY_TASK_COUNT and SLURM_ARRAY_TASK_MIN; pass --shard i/n',
    );
  }
  const index = (id - first) / step + 1;
  const isRegular = last === undefined || (last - first) / step + 1 === count;
  if (!isRegular || !Number.isInteger(index) || index < 1 || index > count) {
    fail(`the ids of the Slurm array have gaps, so task ${id} is no shard; use --array=1-n, or pass --shard i/n`);
  }
  if (given !== undefined && given !== count) {
    fail(
      `--shard auto/${given} does not fit a Slurm array of ${count} tasks. ` +
        `To repeat single tasks, pass their shard: --shard i/${given}`,
    );
  }
  return { index, count };
}

/**
 * The shard that `--shard` names. `auto` takes it from the environment: from a Slurm job array (SLURM_ARRAY_TASK_ID, _MIN and
 * _COUNT), or with `auto/n` from an indexed job of Kubernetes (JOB_COMPLETION_INDEX, which counts from 0).
 *
 * @throws FaceparseError (exit code 2) for another form, and if the environment names no shard
 *
 * @example parseShard('2/4') // { index: 2, count: 4 }
 * @example parseShard('auto/4', { JOB_COMPLETION_INDEX: '1' }) // { index: 2, count: 4 }
 */
export function parseShard(text: string, environment: Environment = {}): Shard {
  const match = /^(?:(\d{1,6})\/(\d{1,6})|auto(?:\/(\d{1,6}))?)$/.exec(text);
  if (!match) return fail(`--shard is '${text.slice(0, 40)}', but must be ${form}`);
  if (match[1] !== undefined) {
    const [index, count] = [Number(match[1]), Number(match[2])];
    if (index < 1 || index > count) fail(`--shard is ${text}, but must be ${form}`);
    return { index, count };
  }
  const given = match[3] === undefined ? undefined : Number(match[3]);
  if (given === 0) fail(`--shard is ${text}, but must be ${form}`);
  const task = numberIn(environment, 'SLURM_ARRAY_TASK_ID');
  if (task !== undefined) return slurmShard(environment, task, given);
  const completion = numberIn(environment, 'JOB_COMPLETION_INDEX');
  if (completion === undefined) {
    return fail(
      `--shard ${text}, but neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set; pass --shard i/n, such as --shard 2/4`,
    );
  }
  if (given === undefined) {
    return fail('JOB_COMPLETION_INDEX does not tell the number of pods; pass it too, as in --shard auto/4');
  }
  if (completion >= given) {
    fail(`JOB_COMPLETION_INDEX is ${completion}, but with --shard auto/${given} it must be below ${given}`);
  }
  return { index: completion + 1, count: given };
}

/** Whether a trial belongs to a shard. */
export function ownsTrial(shard: Shard, trial: number, trialsPerBracket: number): boolean {
  return ownsBracket(shard, Math.floor((trial - 1) / trialsPerBracket));
}

/** Whether a bracket belongs to a shard. Brackets are dealt out in turn. @example ownsBracket({ index: 2, count: 4 }, 5) // true */
export function ownsBracket({ index, count }: Shard, bracket: number): boolean {
  return bracket % count === index - 1;
}
