import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../../config/schema.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import {
  InterruptedError,
  type JsonOption,
  jsonHelp,
  printJson,
  printNotice,
  printText,
  withInterrupt,
} from '../command.ts';
import { findConfigArguments } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatDuration, formatPairs } from '../format.ts';
import { formatScore, formatScores } from '../score-table.ts';
import { TrainingDisplay } from '../training-display.ts';

interface TrainCommandOptions extends JsonOption, EngineOptions {
  data?: string;
  minutes?: number;
  name?: string;
  out?: string;
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

async function dryRun(config: Config, data: string, options: TrainCommandOptions): Promise<void> {
  const { estimateTraining } = await import('../../training/estimate.ts');
  const estimate = await estimateTraining(config, data);
  if (options.json) return printJson({ config, ...estimate });
  const { train, model } = config;
  const length = train.minutes
    ? `${formatDuration(train.minutes * 60)}, about ${formatCount(estimate.steps)} steps (${estimate.epochs.toFixed(1)} epochs)`
    : `${formatCount(estimate.steps)} steps (${train.epochs} epochs), about ${formatDuration(estimate.seconds)}`;
  printText(
    formatPairs([
      ['network', `${model.name}, ${formatCount(estimate.parameters)} trainable parameters`],
      ['cost', `${estimate.gigaMultiplyAccumulates.toFixed(2)} GMAC forward per image of ${train.size}×${train.size}`],
      [
        'data',
        `${formatCount(estimate.trainingPairs)} training pairs, ${formatCount(estimate.validationPairs)} for validation`,
      ],
      ['batches', `${imagesOfStep(train)}, ${formatCount(estimate.stepsPerEpoch)} steps per epoch`],
      ['engine', `${estimate.engine}, ${formatDurationMs(estimate.stepMilliseconds)} per step (just measured)`],
      ['length', `${length}, excluding validation`],
    ]),
  );
  printText('\nNothing was trained or written (--dry-run).');
}

function formatDurationMs(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** The configuration of a new run, from the command line. */
async function newConfig(words: readonly string[], options: TrainCommandOptions): Promise<Config> {
  const { loadConfig } = await import('../../config/load-config.ts');
  const { file, overrides } = await findConfigArguments(words);
  const config = await loadConfig({
    ...(file !== undefined && { file }),
    notify: printNotice,
    overrides: [
      ...overrides,
      ...(options.minutes ? [`train.minutes=${options.minutes}`] : []),
      ...(options.name ? [`name=${options.name}`] : []),
    ],
  });
  return { ...config, engine: { ...config.engine, ...engineChoice(options) } };
}

/** The configuration of a resumed run; only its length and engine may change. */
async function resumedConfig(run: string, words: readonly string[], options: TrainCommandOptions): Promise<Config> {
  if (options.out !== undefined) {
    throw new FaceparseError('--out cannot be used with --resume: a resumed run stays in its folder', {
      exitCode: 2,
    });
  }
  if (words.length > 0 || options.name) {
    throw new FaceparseError(
      `${words[0] ?? '--name'} cannot be used with --resume: a resumed run keeps its configuration; ` +
        'only --minutes, --engine, --device and --threads can change',
      { exitCode: 2 },
    );
  }
  const { storedConfig } = await import('../../training/stored-config.ts');
  return storedConfig(run, { engine: engineChoice(options), ...(options.minutes && { minutes: options.minutes }) });
}

async function runTraining(words: readonly string[], options: TrainCommandOptions): Promise<void> {
  const { train } = await import('../../training/trainer.ts');
  const { resume } = options;
  if (resume) await (await import('../../node/foreign-model.ts')).refuseForeignModel(resume);
  const config = resume ? await resumedConfig(resume, words, options) : await newConfig(words, options);
  const { recordedData } = await import('../../training/recorded-data.ts');
  const data = options.data ?? (resume ? await recordedData(resume, `${resume} cannot be resumed`) : undefined);
  if (data === undefined) {
    throw new FaceparseError('no data given; pass --data FOLDER, a folder with train/ and val/', { exitCode: 2 });
  }
  if (options.dryRun) return dryRun(config, data, options);
  const display = new TrainingDisplay(options.json === true);
  const run = options.resume ?? join(options.out ?? 'runs', config.name);
  const result = await withInterrupt((signal) =>
    train({
      config,
      data,
      run,
      resume: options.resume !== undefined,
      signal,
      onProgress: (progress) => display.update(progress),
      onNotice: printNotice,
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
      last: result.last && { ...result.last, confusion: undefined },
    });
  }
  if (result.interrupted) {
    return printText(
      `Stopped after step ${formatCount(result.steps)}; everything is saved.\nResume with: faceparse train --resume ${run}`,
    );
  }
  const { getLabelSet } = await import('../../labels/registry.ts');
  if (result.last) printText(formatScores(result.last, getLabelSet(config.data.labels)));
  printText(
    `\n${formatCount(result.steps)} steps in ${formatDuration(result.seconds)}; best F (per image) ${formatScore(result.bestF)}\n` +
      `run folder ${run}: curves.svg, validation.png, metrics.csv, weights/best.safetensors`,
  );
}

/** `faceparse train [CONFIG] [key=value …] --data DIR` */
export function registerTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a network from scratch')
    .argument(
      '[config...]',
      'a YAML file or a bundled name (`faceparse config --list`), and overrides such as train.lr=1e-3 (`faceparse config --reference`); without a config, the defaults of `faceparse config`',
    )
    .option('--data <folder>', 'folder with train/ and val/, each with images/ and masks/')
    .option('--minutes <n>', 'train for this long, instead of the epochs in the config', positiveNumber)
    .option('--name <name>', 'name of the run (default: from the config)')
    .option('--out <folder>', 'where to create the run folder (default: "runs")')
    .option('--resume <run>', 'resume the run in this folder')
    .option('--dry-run', 'show what would be trained and estimate the time, without training')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runTraining);
}
