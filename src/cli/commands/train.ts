import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../../config/schema.ts';
import { exists, isFolder } from '../../files/path-kind.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { RunState } from '../../training/earlier-run/run-state.ts';
import type { TrainingEstimate } from '../../training/estimate.ts';
import type { BestScores } from '../../training/train-options.ts';
import {
  InterruptedError,
  type JsonOption,
  jsonHelp,
  printJson,
  printNotice,
  printText,
  withInterrupt,
} from '../command.ts';
import { findConfigArguments, splitConfigArguments } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatDuration, formatPairs } from '../format.ts';
import { formatScore, formatScores } from '../score-table.ts';
import { TrainingDisplay } from '../training-display.ts';

interface TrainCommandOptions extends JsonOption, EngineOptions {
  data?: string;
  minutes?: number;
  name?: string;
  out?: string;
  init?: string;
  resume?: string;
  dryRun?: boolean;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** `8 images`, or `2 × 8 images` with gradient accumulation. */
function imagesOfStep({ batchSize, accumulate }: Config['train']): string {
  return `${accumulate > 1 ? `${accumulate} × ` : ''}${batchSize} images`;
}

/** What a dry run says of the length: of the whole run, or of what is left of a resumed one. */
function describeLength({ train }: Config, { steps, epochs, seconds, done }: TrainingEstimate): [string, string][] {
  const left = train.minutes
    ? `${formatDuration(seconds)} (train.minutes), about ${formatCount(steps)} steps (${epochs.toFixed(1)} epochs)`
    : `${formatCount(steps)} steps (${Number(epochs.toFixed(2))} epochs), about ${formatDuration(seconds)}`;
  if (!done) return [['length', `${left}, excluding validation`]];
  const whole = train.minutes ? formatDuration(train.minutes * 60) : countOf(train.epochs, 'epoch');
  const sofar = `${countOf(done.step, 'step')} (${Number(done.epoch.toFixed(2))} epochs) in ${formatDuration(done.seconds)}`;
  return [
    ['done', `${sofar}, of ${whole}`],
    ['left', `${left}, excluding validation`],
  ];
}

/** The learning rate and its schedule: `0.002, cosine after a warm-up over 3 % of the run`. */
function describeRate({ train }: Config): string {
  const { lr, schedule, warmup, scheduleOptions, encoderLrFactor } = train;
  const rises = schedule !== 'onecycle' && warmup > 0;
  return [
    `peak ${lr}, ${schedule}${rises ? ` after a warm-up over ${Number((warmup * 100).toPrecision(3))} % of the run` : ''}`,
    ...(schedule === 'plateau' ? [`follows ${scheduleOptions.watch}`] : []),
    ...(encoderLrFactor === 1 ? [] : [`× ${encoderLrFactor} for the encoder`]),
  ].join(', ');
}

/** What is frozen and how many parameters are left; no line if nothing is frozen. */
function describeFrozen({ train }: Config, { parameters, trainedParameters }: TrainingEstimate): [string, string][] {
  const { encoder, batchNorm } = train.freeze;
  const frozen = [
    ...(encoder ? ['the encoder'] : []),
    ...(batchNorm === 'none'
      ? []
      : [
          batchNorm === 'all'
            ? 'batch normalisation'
            : encoder
              ? 'its batch normalisation'
              : 'the batch normalisation of the encoder',
        ]),
  ];
  if (frozen.length === 0) return [];
  const left = `${formatCount(trainedParameters)} of ${formatCount(parameters)} parameters are trained`;
  return [['frozen', `${frozen.join(' and ')}; ${left}`]];
}

/** When the run ends early; no line if it cannot. */
function describeEarlyStopping({ train }: Config, { mayStopEarly }: TrainingEstimate): [string, string][] {
  const { patience, watch } = train.earlyStopping;
  if (patience === undefined || !mayStopEarly) return [];
  return [['may end', `earlier, after ${countOf(patience, 'validation')} without improvement of ${watch}`]];
}

async function dryRun(given: Config, data: string, run: string | undefined, options: JsonOption): Promise<void> {
  const { estimateTraining } = await import('../../training/estimate.ts');
  const estimate = await estimateTraining(given, data, run);
  if (options.json) return printJson(estimate);
  const { config, notices } = estimate;
  for (const notice of notices) printNotice(notice);
  const { train, model } = config;
  printText(
    formatPairs([
      ['network', `${model.name}, ${formatCount(estimate.parameters)} trainable parameters`],
      ['cost', `${estimate.gigaMultiplyAccumulates.toFixed(2)} GMAC forward per image of ${train.size}×${train.size}`],
      [
        'data',
        `${formatCount(estimate.trainingPairs)} training pairs, ${formatCount(estimate.validationPairs)} for validation`,
      ],
      ...(estimate.initialWeights === undefined ? [] : [['start', estimate.initialWeights] as [string, string]]),
      ...describeFrozen(config, estimate),
      ['learning rate', describeRate(config)],
      ['batches', `${imagesOfStep(train)}, ${formatCount(estimate.stepsPerEpoch)} steps per epoch`],
      ['engine', `${estimate.engine}, ${formatDurationMs(estimate.stepMilliseconds)} per step (just measured)`],
      ...describeLength(config, estimate),
      ...describeEarlyStopping(config, estimate),
    ]),
  );
  printText('\nNothing was trained or written (--dry-run).');
}

function formatDurationMs(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Checks that a config is no run or weights file, which people pass to train further. @throws FaceparseError (exit code 2) */
async function requireConfigFile(file: string): Promise<void> {
  const fail = (message: string) => new FaceparseError(message, { exitCode: 2 });
  const config = join(file, 'config.yaml');
  if ((await isFolder(file)) && (await exists(config))) {
    throw fail(
      `${file} is a run, not a config; go on with it by --resume ${file}, or train a new run with its settings: ${config} --name NEW`,
    );
  }
  if (/\.(safetensors|pth|pt|ckpt|bin)$/i.test(file)) {
    throw fail(`${file} is a weights file, not a config; to start from its weights, give CONFIG --init ${file}`);
  }
}

/** The configuration of a new run, from the command line. */
async function newConfig(words: readonly string[], options: TrainCommandOptions): Promise<Config> {
  const { loadConfig } = await import('../../config/load-config.ts');
  const { file, overrides } = await findConfigArguments(words);
  if (file !== undefined) await requireConfigFile(file);
  const config = await loadConfig({
    ...(file !== undefined && { file }),
    notify: printNotice,
    overrides: [
      ...overrides,
      ...(options.minutes ? [`train.minutes=${options.minutes}`] : []),
      ...(options.name ? [`name=${options.name}`] : []),
      ...(options.init ? [`train.init=${options.init}`] : []),
    ],
  });
  return { ...config, engine: { ...config.engine, ...engineChoice(options) } };
}

/** The configuration of a resumed run, with the changes of the command line. */
async function resumedConfig(run: string, words: readonly string[], options: TrainCommandOptions): Promise<Config> {
  const fail = (message: string) => new FaceparseError(message, { exitCode: 2 });
  const { file, overrides } = splitConfigArguments(words);
  if (options.out !== undefined) {
    throw fail('--out cannot be used with --resume: a resumed run stays in its folder');
  }
  if (options.init !== undefined) {
    throw fail('--init cannot be used with --resume: a resumed run has already started from its initial weights');
  }
  if (options.name !== undefined) {
    throw fail(`--name cannot be used with --resume: a resumed run keeps its name; rename the folder ${run} instead`);
  }
  if (file !== undefined) {
    throw fail(
      `the config ${file} cannot be used with --resume: the run has its own, ${join(run, 'config.yaml')}; ` +
        'give what changes as key=value, such as train.lr=5e-4',
    );
  }
  const { storedConfig } = await import('../../training/stored-config.ts');
  const { minutes } = options;
  const engine = engineChoice(options);
  return storedConfig(run, { engine, overrides, notify: printNotice, ...(minutes !== undefined && { minutes }) });
}

/** The commands that go on from a finished run. */
function waysOn(run: string, { train }: Config, earlyStop?: string): [string, string][] {
  const { patience = 1 } = train.earlyStopping;
  const longer =
    earlyStop !== undefined
      ? `train.earlyStopping.patience=${patience * 2}`
      : train.minutes
        ? `--minutes ${train.minutes * 2}`
        : `train.epochs=${train.epochs * 2}`;
  const whole = train.initPart === 'all' ? '' : ' train.initPart=all';
  return [
    ['train longer', `faceparse train --resume ${run} ${longer}`],
    ['new run from its weights', `faceparse train ${run}/config.yaml train.init=${run}${whole} --name NEW --data DATA`],
  ];
}

/** Reports a run that has no step left. @throws FaceparseError (exit code 2) if settings were given that have no effect */
function reportFinished(run: string, config: Config, state: RunState, words: readonly string[], json = false): void {
  const { last, hasCheckpoint, earlyStop, bestF = -1 } = state;
  const extent = `${countOf(last.step, 'step')} (${Number(last.epoch.toFixed(2))} epochs)`;
  const ways = waysOn(run, config, earlyStop);
  const [[, longer]] = ways;
  const because = earlyStop === undefined ? '' : ` (stopped early: ${earlyStop})`;
  if (words.length > 0) {
    throw new FaceparseError(
      `${words.join(' ')} would change nothing: ${run} is finished after ${extent}, and no step is left${because}. ` +
        `Give it a greater ${earlyStop === undefined ? 'length' : 'patience'} too, such as: ${longer}`,
      { exitCode: 2 },
    );
  }
  if (json)
    printJson({ run, finished: true, steps: last.step, seconds: last.seconds, interrupted: false, bestF, earlyStop });
  else
    printText(
      `${run} is finished: ${extent} in ${formatDuration(last.seconds)}; best F (per image) ${formatScore(bestF)}\n` +
        `${earlyStop === undefined ? '' : `stopped early: ${earlyStop}\n`}\n` +
        // Without a checkpoint, only its weights are left.
        formatPairs(ways.slice(hasCheckpoint ? 0 : 1)),
    );
}

/** Which weights and images the final scores are of. */
function describeBest({ step, epoch, summary }: BestScores, run: string, { validation }: Config): string {
  const { limit } = validation;
  const weights = `weights/best.safetensors, step ${formatCount(step)} (epoch ${Number(epoch.toFixed(2))})`;
  const scored = `Scores of ${weights}, on ${countOf(summary.images, 'validation image')}`;
  if (limit === undefined || summary.images < limit) return `${scored}:`;
  return `${scored} (validation.limit=${limit}; faceparse evaluate ${run} scores all):`;
}

/** The state of a run that has no step left; undefined if it can go on. */
async function findFinished(run: string, config: Config): Promise<RunState | undefined> {
  const [{ readRunState }, { runFolder }] = await Promise.all([
    import('../../training/earlier-run/run-state.ts'),
    import('../../training/record/run-folder.ts'),
  ]);
  const state = await readRunState(runFolder(run), config);
  return state?.isFinished ? state : undefined;
}

/** The folder of the run that `--resume` means. */
async function resumedRun(path: string): Promise<string> {
  const { findRun } = await import('../../training/earlier-run/find-run.ts');
  return findRun(path);
}

async function runTraining(words: readonly string[], options: TrainCommandOptions): Promise<void> {
  const { train } = await import('../../training/trainer.ts');
  if (options.resume !== undefined)
    await (await import('../../node/foreign-model.ts')).refuseForeignModel(options.resume);
  const resume = options.resume === undefined ? undefined : await resumedRun(options.resume);
  const config = resume === undefined ? await newConfig(words, options) : await resumedConfig(resume, words, options);
  if (resume !== undefined) {
    const finished = await findFinished(resume, config);
    if (finished) return reportFinished(resume, config, finished, words, options.json);
  }
  const { recordedData } = await import('../../training/record/recorded-data.ts');
  const data =
    options.data ?? (resume === undefined ? undefined : await recordedData(resume, `${resume} cannot be resumed`));
  if (data === undefined) {
    throw new FaceparseError('no data given; pass --data FOLDER, a folder with train/ and val/', { exitCode: 2 });
  }
  if (options.dryRun) return dryRun(config, data, resume, options);
  const display = new TrainingDisplay(options.json === true);
  const run = resume ?? join(options.out ?? 'runs', config.name);
  const result = await withInterrupt((signal) =>
    train({
      config,
      data,
      run,
      resume: resume !== undefined,
      signal,
      onProgress: (progress) => display.update(progress),
      onNotice: (line) => display.notice(line),
    }),
  )
    .catch((error) => {
      // The run ends normally once its first step is saved, so this signal came before.
      if (!(error instanceof InterruptedError)) throw error;
      throw new InterruptedError(
        resume
          ? 'before the next step; repeat the command to resume'
          : 'before the first step; nothing was saved, so start again',
      );
    })
    .finally(() => display.finish());
  if (options.json) {
    return printJson({
      run: run,
      steps: result.steps,
      seconds: result.seconds,
      interrupted: result.interrupted,
      bestF: result.bestF,
      earlyStop: result.earlyStop,
      last: result.last && { ...result.last, confusion: undefined },
      best: result.best && {
        step: result.best.step,
        epoch: result.best.epoch,
        ...result.best.summary,
        confusion: undefined,
      },
    });
  }
  if (result.interrupted) {
    return printText(
      `Stopped after step ${formatCount(result.steps)}; everything is saved.\nResume with: faceparse train --resume ${run}`,
    );
  }
  const { getLabelSet } = await import('../../labels/registry.ts');
  if (result.best) printText(`${describeBest(result.best, run, config)}\n`);
  if (result.best) printText(formatScores(result.best.summary, getLabelSet(config.data.labels)));
  if (result.last && result.best && result.steps !== result.best.step) {
    printText(`\nweights/last.safetensors, step ${result.steps}: F (per image) ${formatScore(result.last.fPerImage)}`);
  }
  const { earlyStop } = result;
  const [[, longer]] = waysOn(run, config, earlyStop);
  printText(
    `\n${earlyStop === undefined ? '' : `Stopped early: ${earlyStop}\n`}${formatCount(result.steps)} steps in ${formatDuration(result.seconds)}; best F (per image) ${formatScore(result.bestF)}\n` +
      `run folder ${run}: curves.svg, validation.png, metrics.csv, weights/best.safetensors\n` +
      `train longer: ${longer}`,
  );
}

/** `faceparse train [CONFIG] [key=value …] --data DIR` */
export function registerTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a network from scratch or from given weights, or go on with a run')
    .argument(
      '[config...]',
      'a YAML file or a bundled name (`faceparse config --list`), and overrides such as train.lr=1e-3 (`faceparse config --reference`); without a config, the defaults of `faceparse config`',
    )
    .option('--data <folder>', 'folder with train/ and val/, each with images/ and masks/')
    .option(
      '--minutes <n>',
      'length of the whole run in minutes, including the earlier parts of a resumed run; replaces train.epochs',
      positiveNumber,
    )
    .option('--name <name>', 'name of the run (default: from the config)')
    .option('--out <folder>', 'where to create the run folder (default: "runs")')
    .option(
      '--init <file>',
      'start from the weights of a run, a weights file, or weights of PyTorch (.pth) of the same network or its encoder (train.init)',
    )
    .option(
      '--resume <run>',
      'go on with the run in this folder; key=value, --data and --minutes change it from here on (--minutes and train.epochs are totals)',
    )
    .option('--dry-run', 'show what would be trained and estimate the time, without training')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runTraining);
}
