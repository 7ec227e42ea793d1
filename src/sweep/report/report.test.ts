import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { tableToCsv } from '../../comparison/tables/render-table.ts';
import { loadConfig } from '../../config/load-config.ts';
import { loadSweep } from '../load-sweep.ts';
import { isBetter, type Metric, type Sweep } from '../sweep.ts';
import { openSweepFolder } from '../sweep-folder.ts';
import { type Trial, trialConfig } from '../trials.ts';
import { importanceChart, scoreChart, settingsChart } from './sweep-charts.ts';
import { sweepImportance, sweepTable } from './sweep-table.ts';
import { writeSweepReport } from './write-report.ts';

async function makeSweep(metric: Metric = 'valF', seed = 0): Promise<{ folder: string; sweep: Sweep }> {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  const space = join(folder, 'space.yaml');
  await writeFile(
    space,
    'space: {train.lr: {logUniform: [1e-4, 1e-1]}, train.optimizer.kind: [adamw, sgd], data.repair: [true, false]}\n',
  );
  const overrides = ['train.epochs=4', 'validation.every=1', 'train.size=64', 'name=base'];
  return { folder, sweep: await loadSweep({ overrides, space, metric, factor: 2, seed }, 24) };
}

function makeTrial(sweep: Sweep, trial: number, scores: number[], failure?: string): Trial {
  const settings = sweep.sampler.settingsOf(trial)!;
  const best = scores.reduce<number | undefined>(
    (one, score) => (one === undefined || isBetter(sweep.metric, score, one) ? score : one),
    undefined,
  );
  return {
    trial,
    settings,
    run: { name: `trials/000${trial}`, config: trialConfig(sweep, settings, `000${trial}`) },
    folder: `out/trials/000${trial}`,
    scores,
    ...(best !== undefined && { score: best }),
    epochs: [0, 1, 2, 4][scores.length],
    seconds: 90 * scores.length,
    finished: scores.length === 3,
    failed: failure !== undefined,
    ...(failure !== undefined && { failure }),
  };
}

const makeTrials = (sweep: Sweep) => [
  makeTrial(sweep, 1, [0.3, 0.5]),
  makeTrial(sweep, 2, [0.2]),
  makeTrial(sweep, 3, [0.4, 0.5, 0.6]),
  makeTrial(sweep, 4, [0.9], 'the loss became NaN'),
  makeTrial(sweep, 5, []),
];

describe('sweepTable', () => {
  it('ranks trials by their score, failed and unscored ones last', async () => {
    const { sweep } = await makeSweep();
    const lines = tableToCsv(sweepTable(sweep, makeTrials(sweep)))
      .trim()
      .split('\n');
    expect(lines[0]).toBe('rank,trial,valF,epochs,minutes,train.lr,train.optimizer.kind,data.repair,failure');
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 5).join())).toEqual([
      '1,3,0.6,4,4.5',
      '2,1,0.5,2,3',
      '3,2,0.2,1,1.5',
      ',4,,1,1.5',
      ',5,,0,0',
    ]);
    expect(lines[4]).toMatch(/,the loss became NaN$/);
  });

  it('ranks the lowest validation loss first', async () => {
    const { sweep } = await makeSweep('valLoss');
    const { rows } = sweepTable(sweep, makeTrials(sweep));
    expect(rows.map(([rank, trial, loss]) => [rank, trial, loss])).toEqual([
      [1, 2, 0.2],
      [2, 1, 0.3],
      [3, 3, 0.4],
      [undefined, 4, undefined],
      [undefined, 5, undefined],
    ]);
  });
});

it('measures importance at the first rung, and says if it is mostly chance', async () => {
  const { sweep } = await makeSweep();
  expect(sweepImportance(sweep, makeTrials(sweep))).toMatchObject({
    trials: 4,
    note: '4 trials at 1 epoch; fewer than 20 trials, so mostly chance',
  });
});

describe('charts', () => {
  it('show names, scores and the best trial, with the same bytes each time', async () => {
    const { sweep } = await makeSweep();
    const trials = makeTrials(sweep);
    const jobs = trials.flatMap(({ trial, scores }) =>
      scores.map((_, rung) => ({ trial, rung, seconds: trial * 60 + rung * 10 })),
    );
    const draw = () =>
      Promise.all([
        scoreChart(sweep, trials, jobs),
        settingsChart(sweep, trials),
        importanceChart([{ key: 'train.lr', share: 0.25 }, { key: 'data.repair' }], 'a note'),
      ]);
    const [first, second] = [await draw(), await draw()];
    expect(second).toEqual(first);
    const [score, settings, importance] = first as string[];
    for (const text of ['best so far', '1 epoch', '4 epochs', 'minutes of work']) expect(score).toContain(`>${text}<`);
    for (const text of ['train.lr', 'adamw', 'true', 'valF']) expect(settings).toContain(`>${text}<`);
    expect(settings).toContain('Trial 3, the best, is orange.');
    for (const text of ['train.lr', '0.25', 'a note']) expect(importance).toContain(`>${text}<`);
    expect(importance).not.toContain('data.repair');
  });

  it('are left out without scores', async () => {
    const { sweep } = await makeSweep();
    const trials = [makeTrial(sweep, 1, [])];
    expect(await scoreChart(sweep, trials, [])).toBeUndefined();
    expect(await settingsChart(sweep, trials)).toBeUndefined();
    expect(await importanceChart([{ key: 'train.lr' }], '')).toBeUndefined();
  });
});

describe('writeSweepReport', () => {
  it('writes the configuration of the best trial, which can be loaded, and drops it when there is none', async () => {
    const { folder, sweep } = await makeSweep();
    const out = join(folder, 'out');
    await openSweepFolder(out, sweep);
    const trials = makeTrials(sweep);
    await writeSweepReport(sweep, out, trials);
    const best = await loadConfig({ file: join(out, 'best.yaml') });
    expect(best).toEqual({ ...trials[2].run.config, name: 'base-best' });
    expect(await readFile(join(out, 'best.yaml'), 'utf8')).toMatch(
      /^# The best of 5 trials of faceparse sweep: trial 3, valF 0\.6000 after 4 epochs\n/,
    );
    const page = await readFile(join(out, 'sweep.md'), 'utf8');
    expect(page).toContain('5 trials, of which 1 failed. Trial 3 is the best; `best.yaml` is its configuration.');
    expect(page).toContain('| 1 | 3 | **0.6000** | 4.0 | 4.50 |');
    expect(page).toContain('| key | importance |');
    await writeSweepReport(sweep, out, [makeTrial(sweep, 1, [])]);
    expect(await readdir(out)).not.toContain('best.yaml');
    const early = await readFile(join(out, 'sweep.md'), 'utf8');
    expect(early).toContain('None has a score yet.');
    expect(early).toContain('## Importance\n\nNot known yet: it needs more trials');
  });
});

describe('openSweepFolder', () => {
  it('opens the same sweep again, and no other folder', async () => {
    const { folder, sweep } = await makeSweep();
    const out = join(folder, 'out');
    await openSweepFolder(out, sweep);
    await openSweepFolder(out, { ...sweep, config: { ...sweep.config, name: 'other' } });
    const rungs = { ...sweep.halving, rungs: [2, 4] };
    await expect(openSweepFolder(out, { ...sweep, halving: rungs })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/the list of rungs \(--min-epochs\) was 1, 2, 4 and is now 2, 4\. /),
    });
    await expect(openSweepFolder(out, { ...sweep, pairs: 25 })).rejects.toThrow(
      /the number of training pairs was 24 and is now 25\. /,
    );
    await expect(openSweepFolder(folder, sweep)).rejects.toThrow(
      `${folder} exists and holds no sweep; use a new folder`,
    );
    await writeFile(join(out, 'sweep.json'), '{}');
    await expect(openSweepFolder(out, sweep)).rejects.toThrow(/sweep\.json is damaged/);
  });
});
