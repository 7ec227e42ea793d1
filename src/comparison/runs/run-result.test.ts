import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { studyRun } from '../../../test/study-fixture.ts';
import type { Config } from '../../config/schema.ts';
import { type MetricsLine, MetricsLog, runFolder } from '../../training/record/run-folder.ts';
import { readRunResult } from './run-result.ts';

/** Four epochs. */
const run = studyRun('base', 1);

/** A folder of runs in which this one has that configuration and those metrics. */
async function writeRun(lines: readonly MetricsLine[], config: Config = run.config): Promise<string> {
  const out = await temporaryFolder();
  const folder = runFolder(join(out, run.name));
  await mkdir(folder.path, { recursive: true });
  await writeFile(folder.config, stringify(config));
  if (lines.length > 0) {
    const log = MetricsLog.create(folder);
    for (const line of lines) log.add(line);
    await log.save();
  }
  return out;
}

const lines: MetricsLine[] = [
  { step: 250, epoch: 2, seconds: 30, loss: 2 },
  { step: 250, epoch: 2, seconds: 31, valF: 0.75 },
  { step: 500, epoch: 4, seconds: 60, loss: 1 },
  { step: 500, epoch: 4, seconds: 62, valF: 0.5 },
];

describe('readRunResult', () => {
  it('refuses a run in which a setting was changed for a while', async () => {
    const out = await writeRun(lines);
    const changes = [{ key: 'train.lr', from: 0.002, to: 0.001 }];
    const back = [{ key: 'train.lr', from: 0.001, to: 0.002 }];
    const resumes = [
      { step: 3, changes },
      { step: 7, changes: back },
    ];
    await writeFile(runFolder(join(out, run.name)).environment, JSON.stringify({ resumes }));
    await expect(readRunResult(run, out)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /base-s1 does not match g\/base-s1: at step 3, the run was resumed with train\.lr from 0\.002 to 0\.001\. /,
      ),
    });
  });

  it('accepts batches that were made smaller because the pairs are few', async () => {
    const { train } = run.config;
    const out = await writeRun(lines, { ...run.config, train: { ...train, batchSize: 5 } });
    await expect(readRunResult(run, out)).rejects.toThrow('train.batchSize is 5, expected 8');
    const trainingData = { folder: 'data/train', pairs: 5, stemsSha256: '0'.repeat(64) };
    const environment = { parameters: 1, trainingData, initialWeights: 'random' };
    await writeFile(runFolder(join(out, run.name)).environment, JSON.stringify(environment));
    expect((await readRunResult(run, out)).state).not.toBe('missing');
  });

  it('reads a finished run: the last F, the best one, steps and seconds', async () => {
    expect(await readRunResult(run, await writeRun(lines))).toMatchObject({
      state: 'finished',
      validations: [
        [2, 0.75],
        [4, 0.5],
      ],
      steps: 500,
      epochs: 4,
      seconds: 62,
      f: 0.5,
      bestF: 0.75,
    });
  });

  it('tells runs that are not finished', async () => {
    expect(await readRunResult(run, await temporaryFolder())).toMatchObject({ state: 'missing', steps: 0 });
    expect(await readRunResult(run, await writeRun([]))).toMatchObject({ state: 'unfinished', steps: 0 });
    for (const count of [1, 2, 3]) {
      const result = await readRunResult(run, await writeRun(lines.slice(0, count)));
      expect(result).toMatchObject({ state: 'unfinished', steps: count < 3 ? 250 : 500 });
    }
  });

  it('takes epochs that do not divide, and minutes', async () => {
    const third = { ...run, config: { ...run.config, train: { ...run.config.train, epochs: 1 / 3 } } };
    // 0.3333333 of 125 steps is 41.67, so 42 steps are done.
    const end = (step: number): MetricsLine[] => [
      { step, epoch: Number((step / 125).toPrecision(7)), seconds: 1, valF: 0.5 },
    ];
    expect((await readRunResult(third, await writeRun(end(42), third.config))).state).toBe('finished');
    expect((await readRunResult(third, await writeRun(end(41), third.config))).state).toBe('unfinished');
    const timed = { ...run, config: { ...run.config, train: { ...run.config.train, minutes: 1 } } };
    expect((await readRunResult(timed, await writeRun(lines, timed.config))).state).toBe('finished');
    expect((await readRunResult(timed, await writeRun(lines.slice(0, 2), timed.config))).state).toBe('unfinished');
  });

  it('refuses a run of another configuration, naming run and key, but not of another name or engine', async () => {
    const { config } = run;
    const other = { ...config, name: 'other', engine: { ...config.engine, threads: 3 } };
    expect((await readRunResult(run, await writeRun(lines, other))).state).toBe('finished');
    const out = await writeRun(lines, { ...config, data: { ...config.data, repair: false } });
    await expect(readRunResult(run, out)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/base-s1 does not match g\/base-s1: data\.repair is false, expected true\./),
    });
    const longer = await writeRun(lines, { ...config, train: { ...config.train, minutes: 5 } });
    await expect(readRunResult(run, longer)).rejects.toThrow('train.minutes is 5, expected unset.');
  });

  it('refuses a folder that holds no run', async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, run.name), { recursive: true });
    await expect(readRunResult(run, out)).rejects.toThrow(/base-s1 contains no run: it has no config\.yaml\./);
  });
});
