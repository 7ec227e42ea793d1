import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { validationScores } from '../../metrics/validation-scores.ts';
import type { SweepEnd } from '../../sweep/run-sweep.ts';
import type { Shard } from '../../sweep/shard.ts';
import type { Metric, Sweep } from '../../sweep/sweep.ts';
import type { Trial } from '../../sweep/trials.ts';
import { countOf } from '../../text/counts.ts';
import { docLink } from '../../text/doc-link.ts';
import { FaceparseError } from '../../text/errors.ts';
import {
  type JsonOption,
  jsonHelp,
  printJson,
  printNotice,
  printText,
  wholeNumber,
  withInterrupt,
} from '../command.ts';
import { findConfigArguments } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatDuration } from '../format.ts';
import { formatScore } from '../score-table.ts';

interface SweepCommandOptions extends JsonOption, EngineOptions {
  space: string;
  data?: string;
  out: string;
  budget?: number;
  trials?: number;
  metric: Metric;
  eta: number;
  minEpochs?: number;
  parallel?: number;
  shard?: string;
  seed: number;
  train: boolean;
  dryRun?: boolean;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function fail(message: string): never {
  throw new FaceparseError(message, { exitCode: 2 });
}

/** How many trials run at once, and with which engine. */
interface Workers {
  readonly parallel: number;
  readonly engine: EngineChoice;
}

/** Divides the cores: the threads of a trial decide how many run at once, or the other way round. */
function divideCores({ config }: Sweep, options: SweepCommandOptions): Workers {
  const engine = { ...config.engine, ...engineChoice(options) };
  const cores = availableParallelism();
  const isCpu = engine.device === 'cpu';
  const parallel = options.parallel ?? (isCpu && engine.threads ? Math.max(1, Math.floor(cores / engine.threads)) : 1);
  const threads = engine.threads ?? Math.max(1, Math.floor(cores / parallel));
  return { parallel, engine: { name: engine.name, device: engine.device, threads } };
}

/** The number of training pairs: of the data, or of the sweep in the folder. */
async function countPairs({ data, out, train, dryRun }: SweepCommandOptions): Promise<number> {
  if (data === undefined || !train) {
    const { pairsOf } = await import('../../sweep/sweep-folder.ts');
    const pairs = await pairsOf(out);
    if (pairs !== undefined) return pairs;
    if (dryRun) return Number.MAX_SAFE_INTEGER;
    if (!train) return fail(`${out} contains no sweep; pass the --out folder of one, or leave out --no-train`);
  }
  if (data === undefined)
    return fail('no data given; pass --data FOLDER, a folder with train/ and val/ (or --no-train)');
  const { openDataset, resolveSplit } = await import('../../data/dataset/dataset.ts');
  // Bad data must not count as failures of trials.
  await openDataset(await resolveSplit(data, 'val'), { requireMasks: true });
  return (await openDataset(await resolveSplit(data, 'train'), { requireMasks: true })).items.length;
}

/** Checks that the trials so far saw the same images. */
async function requireOneDataset(options: SweepCommandOptions, trials: readonly Trial[]): Promise<void> {
  const [{ openTrainingSet }, { requireSameData }, { runFolder }, { exists }] = await Promise.all([
    import('../../training/training-set.ts'),
    import('../../training/record/environment.ts'),
    import('../../training/record/run-folder.ts'),
    import('../../files/path-kind.ts'),
  ]);
  for (const { folder, run } of trials) {
    const { environment } = runFolder(folder);
    if (await exists(environment)) await requireSameData(environment, await openTrainingSet(options.data!, run.config));
  }
}

async function readStarted(sweep: Sweep, out: string): Promise<Trial[]> {
  const [{ startedTrials }, { readTrial }] = await Promise.all([
    import('../../sweep/sweep-folder.ts'),
    import('../../sweep/trials.ts'),
  ]);
  const trials: Trial[] = [];
  for (const number of await startedTrials(out)) {
    const trial = await readTrial(sweep, out, number);
    if (trial) trials.push(trial);
  }
  return trials;
}

async function trainTrials(sweep: Sweep, shard: Shard, options: SweepCommandOptions): Promise<SweepEnd> {
  const [{ openSweepFolder }, { runSweep }, { TrialProcess }, { SweepDisplay }] = await Promise.all([
    import('../../sweep/sweep-folder.ts'),
    import('../../sweep/run-sweep.ts'),
    import('../../sweep/train-trial.ts'),
    import('../sweep/sweep-display.ts'),
  ]);
  const { out, data = '', trials, budget, json = false } = options;
  await openSweepFolder(out, sweep);
  const before = await readStarted(sweep, out);
  await requireOneDataset(options, before);
  const { parallel, engine } = divideCores(sweep, options);
  const limits = { ...(trials !== undefined && { trials }), ...(budget !== undefined && { seconds: budget * 60 }) };
  const [{ ownsTrial }, { bracketSize }] = await Promise.all([
    import('../../sweep/shard.ts'),
    import('../../sweep/halving.ts'),
  ]);
  const own = before.filter(({ trial }) => ownsTrial(shard, trial, bracketSize(sweep.halving)));
  const display = new SweepDisplay(json, sweep.metric, sweep.halving, shard, limits, own);
  const trainers = Array.from({ length: parallel }, () => new TrialProcess(parallel));
  try {
    return await withInterrupt((signal) =>
      runSweep({
        sweep,
        out,
        data,
        shard,
        ...limits,
        engine,
        trainers,
        signal,
        onEpoch: (progress) => display.update(progress),
        onEnd: (trial, rung, seconds) => display.end(trial, rung, seconds),
      }),
    );
  } finally {
    display.finish();
    for (const trainer of trainers) trainer.close();
  }
}

const endTexts: Record<SweepEnd, (options: SweepCommandOptions) => string> = {
  complete: () => '',
  budget: ({ budget = 0 }) =>
    `The budget of ${formatDuration(budget * 60)} is used up. Repeat the command with a greater --budget to go on.\n\n`,
  interrupted: () => 'Stopped; everything is saved. Repeat the command to resume the sweep.\n\n',
  exhausted: () => 'The space has no more settings.\n\n',
};

/** What to do with the best trial. */
function describeBest(
  { trial, score = 0, epochs, finished, folder }: Trial,
  sweep: Sweep,
  options: SweepCommandOptions,
  file: string,
): string {
  const data = options.data ?? 'DATA';
  const length = `after ${countOf(Number(epochs.toFixed(2)), 'epoch')}${finished ? ', trained to its end' : ` of ${sweep.config.train.epochs}`}`;
  return [
    `Best: trial ${trial}, ${sweep.metric} ${formatScore(score)} ${length} (${folder})`,
    ...(finished ? [] : [`train it to its end: faceparse train --resume ${folder}`]),
    `train its settings anew: faceparse train ${file} --data ${data}`,
  ].join('\n');
}

async function report(sweep: Sweep, end: SweepEnd | undefined, options: SweepCommandOptions): Promise<void> {
  const [{ writeSweepReport }, tables, { bestTrial }, { formatSweepTable }, { sweepFiles }, { tableToJson }] =
    await Promise.all([
      import('../../sweep/report/write-report.ts'),
      import('../../sweep/report/sweep-table.ts'),
      import('../../sweep/trials.ts'),
      import('../sweep/sweep-display.ts'),
      import('../../sweep/sweep-folder.ts'),
      import('../../comparison/tables/render-table.ts'),
    ]);
  const { out, json } = options;
  const keys = sweep.space.map(({ key }) => key);
  const trials = await readStarted(sweep, out);
  const written = await writeSweepReport(sweep, out, trials);
  const best = bestTrial(trials, sweep.metric);
  const files = sweepFiles(out);
  const importance = tables.sweepImportance(sweep, trials);
  if (json) {
    printJson({
      end,
      metric: sweep.metric,
      rungs: sweep.halving.rungs,
      trials: trials.map(trialForJson),
      table: tableToJson(tables.sweepTable(sweep, trials)),
      importance: importance.importance,
      best: best && { ...trialForJson(best), config: files.best },
      written,
    });
  } else {
    const facts = importance.importance.flatMap(({ key, share }) =>
      share === undefined ? [] : [`${key} ${share.toFixed(2)}`],
    );
    printText(
      (end === undefined ? '' : endTexts[end](options)) +
        (trials.length === 0
          ? 'No trial has been started.'
          : formatSweepTable(tables.sweepTable(sweep, trials), keys, files.csv)) +
        (facts.length === 0 ? '' : `\n\nImportance: ${facts.join(', ')} (${importance.note})`) +
        (best === undefined ? '' : `\n\n${describeBest(best, sweep, options, files.best)}`) +
        `\n\n${written.map((path) => `wrote ${path}`).join('\n')}`,
    );
  }
  if (end !== 'interrupted' && !best && trials.some(({ failed }) => failed)) {
    throw new FaceparseError(
      `no trial succeeded; trial ${trials[0].trial}: ${trials.find(({ failed }) => failed)?.failure}`,
    );
  }
}

function trialForJson({ trial, folder, settings, score, scores, epochs, seconds, finished, failure }: Trial) {
  return { trial, folder, settings: Object.fromEntries(settings), score, scores, epochs, seconds, finished, failure };
}

function requireLimit({ train, dryRun, trials, budget }: SweepCommandOptions): void {
  if (!train || dryRun || trials !== undefined || budget !== undefined) return;
  fail('a sweep needs an end; pass --budget MINUTES or --trials N, or both');
}

function noteShard({ halving }: Sweep, { index, count }: Shard, trials: number | undefined, size: number): void {
  if (trials === undefined || (index - 1) * size < trials) return;
  const brackets = Math.ceil(trials / size);
  printNotice(
    `shard ${index}/${count} has no trials: ${trials} trials are ${countOf(brackets, 'bracket')} of ${size} (rungs: ${halving.rungs.join(', ')} epochs)`,
  );
}

async function runSweepCommand(words: readonly string[], options: SweepCommandOptions): Promise<void> {
  requireLimit(options);
  const { requirePackages } = await import('../../packages/optional-packages.ts');
  requirePackages('a sweep', ['echarts']);
  const [{ parseShard }, { loadSweep }, { findConfigFile }, { bracketSize }] = await Promise.all([
    import('../../sweep/shard.ts'),
    import('../../sweep/load-sweep.ts'),
    import('../../config/bundled-configs.ts'),
    import('../../sweep/halving.ts'),
  ]);
  const shard = parseShard(options.shard ?? '1/1', process.env);
  const { file, overrides } = await findConfigArguments(words);
  const { metric, eta: factor, minEpochs, seed } = options;
  const sweep = await loadSweep(
    {
      ...(file !== undefined && { config: file }),
      overrides,
      space: await findConfigFile(options.space, 'space'),
      metric,
      factor,
      ...(minEpochs !== undefined && { minEpochs }),
      seed,
    },
    await countPairs(options),
    printNotice,
  );
  if (options.dryRun) {
    const { describeSweep } = await import('../sweep/dry-run.ts');
    return describeSweep(sweep, { ...options, shard, ...divideCores(sweep, options) });
  }
  if (!options.train) {
    const { openSweepFolder } = await import('../../sweep/sweep-folder.ts');
    await openSweepFolder(options.out, sweep);
    return report(sweep, undefined, options);
  }
  noteShard(sweep, shard, options.trials, bracketSize(sweep.halving));
  return report(sweep, await trainTrials(sweep, shard, options), options);
}

/** `faceparse sweep CONFIG --space FILE --data DATA` */
export function registerSweep(program: Command): void {
  const command = program
    .command('sweep')
    .description('search for good settings: random search with successive halving')
    .argument('[config...]', 'a YAML file or a bundled name, and overrides for all trials')
    .requiredOption('--space <file>', `the searched keys and their distributions (YAML, see ${docLink('sweeps.md')})`)
    .option('--data <folder>', 'folder with train/ and val/, each with images/ and masks/')
    .option('--out <folder>', 'folder of the sweep', 'runs/sweep')
    .option(
      '--budget <minutes>',
      'time of the whole sweep, including the earlier parts of a resumed one',
      positiveNumber,
    )
    .option('--trials <n>', 'number of trials of the whole sweep, over all shards', wholeNumber(1, 9999))
    .addOption(
      new Option('--metric <name>', 'validation score to optimise, by its name in metrics.csv')
        .choices([...validationScores])
        .default('valF'),
    )
    .option('--eta <n>', 'one of n trials goes on from a rung to the next', wholeNumber(2, 100), 3)
    .option('--min-epochs <n>', 'epochs of the first rung (default: train.epochs / eta²)', positiveNumber)
    .option('--parallel <n>', 'trials at once (default: cores / threads)', wholeNumber(1, 256))
    .option(
      '--shard <i/n>',
      'train part i of n; auto or auto/n reads it from a Slurm array or an indexed Kubernetes job',
    )
    .option('--seed <n>', 'seed of the settings of all trials', wholeNumber(0, 2 ** 31), 0)
    .option('--no-train', 'only report the trials so far')
    .option('--dry-run', 'show the first trials and estimate the time, without training')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runSweepCommand);
}
