import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { FaceparseError } from '../text/errors.ts';
import { formatMetrics, type MetricsLine, runFolder } from '../training/record/run-folder.ts';
import { loadSweep } from './load-sweep.ts';
import { type RunSweepOptions, runSweep } from './run-sweep.ts';
import type { Shard } from './shard.ts';
import { readLoggedJobs } from './shard-log.ts';
import type { Sweep } from './sweep.ts';
import { openSweepFolder, readFailure, startedTrials } from './sweep-folder.ts';
import type { Trainer, TrialOutcome } from './train-trial.ts';
import type { TrialRequest } from './trial-process.ts';
import { bestTrial, rankTrials, readTrial, rungScores, type Trial } from './trials.ts';

/** Rungs of 1, 2 and 4 epochs, and brackets of four trials. */
async function makeSweep(): Promise<{ out: string; sweep: Sweep }> {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  const space = join(folder, 'space.yaml');
  await writeFile(space, 'space: {train.lr: {logUniform: [1e-4, 1e-1]}}\n');
  const overrides = ['train.epochs=4', 'validation.every=1', 'train.size=64'];
  const sweep = await loadSweep({ overrides, space, metric: 'valF', factor: 2, seed: 0 }, 24);
  const out = join(folder, 'out');
  await openSweepFolder(out, sweep);
  return { out, sweep };
}

/** The score of a run after some epochs: the rate 0.01 is best. */
const scoreAt = (lr: number, epoch: number) =>
  Number((0.5 - Math.abs(Math.log10(lr) + 2) / 10 + epoch / 100).toPrecision(6));

type Fake = (request: TrialRequest) => TrialOutcome | 'train';

/** Writes the files of a run as training would, after a moment. */
class FakeTrainer implements Trainer {
  static readonly busy = new Set<string>();
  readonly trained: string[] = [];
  private isStopped = false;

  constructor(
    private readonly outcome: Fake = () => 'train',
    private readonly milliseconds: () => number = () => 0,
  ) {}

  async train(request: TrialRequest): Promise<TrialOutcome> {
    const { run, out, until } = request;
    const path = join(out, run.name);
    expect(FakeTrainer.busy.has(path), `${path} is trained twice at once`).toBe(false);
    FakeTrainer.busy.add(path);
    try {
      for (const end = performance.now() + this.milliseconds(); performance.now() < end && !this.isStopped; )
        await sleep(2);
      if (this.isStopped) return { kind: 'interrupted' };
      this.trained.push(`${Number(run.name.slice(-4))}@${until}`);
      const outcome = this.outcome(request);
      if (outcome !== 'train') return outcome;
      const folder = runFolder(path);
      await mkdir(folder.path, { recursive: true });
      await writeFile(folder.config, stringify(run.config));
      const lines = Array.from({ length: until }, (_, index): MetricsLine => {
        const epoch = index + 1;
        return { step: epoch * 3, epoch, seconds: epoch * 10, valF: scoreAt(run.config.train.lr, epoch) };
      });
      await writeFile(folder.metrics, formatMetrics(lines));
      return { kind: 'done' };
    } finally {
      FakeTrainer.busy.delete(path);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  close(): void {}
}

const whole: Shard = { index: 1, count: 1 };

function run(made: { out: string; sweep: Sweep }, options: Partial<RunSweepOptions>) {
  return runSweep({ ...made, data: 'data', shard: whole, engine: {}, trainers: [new FakeTrainer()], ...options });
}

async function trialsIn({ out, sweep }: { out: string; sweep: Sweep }): Promise<Trial[]> {
  return Promise.all((await startedTrials(out)).map(async (trial) => (await readTrial(sweep, out, trial))!));
}

const outcome = async (made: { out: string; sweep: Sweep }) =>
  (await trialsIn(made)).map(({ trial, scores, epochs, failed, settings }) => ({
    trial,
    scores,
    epochs,
    failed,
    settings,
  }));

describe('runSweep', () => {
  it('trains each bracket down to its best trial', async () => {
    const made = await makeSweep();
    const trainer = new FakeTrainer();
    const ended: string[] = [];
    const onEnd = ({ trial }: Trial, rung: number) => void ended.push(`${trial}@${made.sweep.halving.rungs[rung]}`);
    expect(await run(made, { trials: 8, trainers: [trainer], onEnd })).toBe('complete');
    const count = (epochs: number) => trainer.trained.filter((job) => job.endsWith(`@${epochs}`)).length;
    expect([1, 2, 4].map(count)).toEqual([8, 4, 2]);
    expect(ended).toEqual(trainer.trained);
    const trials = await trialsIn(made);
    const best = bestTrial(trials, 'valF')!;
    expect(best.finished).toBe(true);
    expect(rankTrials(trials, 'valF')[0]).toBe(best);
    expect((await readLoggedJobs(made.out)).map(({ trial, rung }) => `${trial}@${2 ** rung}`)).toEqual(trainer.trained);
    // Again, there is nothing to do.
    const idle = new FakeTrainer();
    expect(await run(made, { trials: 8, trainers: [idle] })).toBe('complete');
    expect(idle.trained).toEqual([]);
  });

  it('comes to the same with several trials at once, in shards, and after interruptions', async () => {
    const straight = await makeSweep();
    await run(straight, { trials: 12 });
    const wanted = await outcome(straight);
    const parallel = await makeSweep();
    let turn = 0;
    const slow = () => new FakeTrainer(undefined, () => (turn++ * 7) % 23);
    expect(await run(parallel, { trials: 12, trainers: [slow(), slow(), slow()] })).toBe('complete');
    expect(await outcome(parallel)).toEqual(wanted);
    const shards = await makeSweep();
    await Promise.all(
      [1, 2].map((index) => run(shards, { trials: 12, shard: { index, count: 2 }, trainers: [slow(), slow()] })),
    );
    expect(await outcome(shards)).toEqual(wanted);
    const stopped = await makeSweep();
    for (let part = 0; part < 4; part++) {
      const controller = new AbortController();
      const onEnd = () => controller.abort();
      expect(await run(stopped, { trials: 12, signal: controller.signal, onEnd })).toBe('interrupted');
    }
    await run(stopped, { trials: 12 });
    expect(await outcome(stopped)).toEqual(wanted);
  });

  it('ends when its time is used up, which counts over all its parts', async () => {
    const made = await makeSweep();
    const trainer = new FakeTrainer(undefined, () => 60);
    const started = performance.now();
    expect(await run(made, { seconds: 0.5, trainers: [trainer] })).toBe('budget');
    expect(performance.now() - started).toBeLessThan(5000);
    expect(trainer.trained.length).toBeGreaterThan(0);
    expect(JSON.parse(await readFile(join(made.out, 'shards', '1-of-1', 'log.json'), 'utf8')).seconds).toBeGreaterThan(
      0.5,
    );
    const idle = new FakeTrainer();
    expect(await run(made, { seconds: 0.5, trainers: [idle] })).toBe('budget');
    expect(idle.trained).toEqual([]);
    expect(await run(made, { seconds: 1000, trials: 4 })).toBe('complete');
  });

  it('records failed trials, which do not go on and are not tried again', async () => {
    const made = await makeSweep();
    const fake: Fake = ({ run, until }) =>
      (until === 1 && run.name.endsWith('2')) || until === 2 ? { kind: 'failed', reason: `NaN at ${until}` } : 'train';
    const trainer = new FakeTrainer(fake);
    expect(await run(made, { trials: 4, trainers: [trainer] })).toBe('complete');
    expect(await readFailure(made.out, 2)).toBe('NaN at 1');
    const trials = await trialsIn(made);
    expect(trials.filter(({ failed }) => failed).length).toBe(3);
    expect(trials.filter(({ failure }) => failure === 'NaN at 2').map(({ scores }) => scores.length)).toEqual([1, 1]);
    expect(bestTrial(trials, 'valF')).toMatchObject({ failed: false, epochs: 1 });
    const idle = new FakeTrainer();
    expect(await run(made, { trials: 4, trainers: [idle] })).toBe('complete');
    expect(idle.trained).toEqual([]);
  });

  it('ends when all trials fail, and for a fault of the machine, which is no failure of a trial', async () => {
    const failing = await makeSweep();
    const trainers = [new FakeTrainer(() => ({ kind: 'failed', reason: 'no memory' }))];
    await expect(run(failing, { seconds: 1000, trainers })).rejects.toThrow(/^the first 5 trials failed: no memory\. /);
    const broken = await makeSweep();
    const full = new FakeTrainer(() => {
      throw new FaceparseError('cannot write x: the disk is full');
    });
    await expect(run(broken, { seconds: 1000, trainers: [full, new FakeTrainer()] })).rejects.toThrow(
      'the disk is full',
    );
    expect(await readFailure(broken.out, 1)).toBeUndefined();
    // The shard is free again.
    expect((await readdir(join(broken.out, 'shards', '1-of-1'))).sort()).toEqual(['log.json']);
  });

  it('lets only one process work on a shard, and shards of one number only', async () => {
    const made = await makeSweep();
    const trainers = () => [new FakeTrainer(undefined, () => 400)];
    const first = run(made, { trials: 2, trainers: trainers(), shard: { index: 1, count: 2 } });
    await sleep(100);
    await expect(run(made, { trials: 2, shard: { index: 1, count: 2 } })).rejects.toThrow(
      /is being worked on by process/,
    );
    await expect(run(made, { trials: 2, shard: { index: 1, count: 3 } })).rejects.toThrow(
      /shard 1\/2 of .* is running, and all shards must have the same number; use --shard i\/2/,
    );
    expect(await run(made, { trials: 2, shard: { index: 2, count: 2 } })).toBe('complete');
    expect(await first).toBe('complete');
  });
});

describe('rungScores', () => {
  it('takes the best validation up to each rung; a run that stopped early has reached all', async () => {
    const { sweep } = await makeSweep();
    const rungs = { rungs: [1, 2, 4], metric: 'valF' as const };
    const line = (epoch: number, valF: number, staleValidations?: number): MetricsLine => ({
      step: epoch * 3,
      epoch,
      seconds: 1,
      valF,
      valLoss: 1 - valF,
      ...(staleValidations !== undefined && { staleValidations }),
    });
    const lines = [line(1, 0.5), line(2, 0.4), line(3, 0.7)];
    expect(rungScores(lines.slice(0, 1), sweep.config, rungs)).toEqual([0.5]);
    expect(rungScores(lines, sweep.config, rungs)).toEqual([0.5, 0.5]);
    expect(rungScores([...lines, line(4, 0.6)], sweep.config, rungs)).toEqual([0.5, 0.5, 0.7]);
    expect(rungScores(lines, sweep.config, { ...rungs, metric: 'valLoss' })[1]).toBeCloseTo(0.5, 12);
    const stopping = { ...sweep.config.train, earlyStopping: { ...sweep.config.train.earlyStopping, patience: 1 } };
    const early = [line(1, 0.5, 0), line(2, 0.4, 1)];
    expect(rungScores(early, { ...sweep.config, train: stopping }, rungs)).toEqual([0.5, 0.5, 0.5]);
    expect(rungScores([line(1, Number.NaN)], sweep.config, rungs)).toEqual([Number.NEGATIVE_INFINITY]);
    expect(rungScores([], sweep.config, rungs)).toEqual([]);
  });
});
