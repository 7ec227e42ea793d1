import { openDataset, resolveSplit } from '../../data/dataset/dataset.ts';
import { holdOut } from '../../data/dataset/folds.ts';
import { DecodedImages } from '../../data/decoded/decoded-images.ts';
import type { EngineChoice } from '../../engine/select-engine.ts';
import { exists } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { planTraining } from '../../training/plan.ts';
import { requireSameData } from '../../training/record/environment.ts';
import { runFolder } from '../../training/record/run-folder.ts';
import { storedConfig } from '../../training/stored-config.ts';
import type { TrainingProgress, TrainResult } from '../../training/train-options.ts';
import { train } from '../../training/trainer.ts';
import { type RunResult, readRunResult } from './run-result.ts';
import { type RunSpec, rethrowNamed } from './run-spec.ts';

export interface TrainRunsOptions {
  /** The runs, as `readRunResult` found them in `out`; unfinished ones are trained. */
  readonly results: readonly RunResult[];
  /** The folder of the runs. */
  readonly out: string;
  /** Folder with train/ and val/. */
  readonly data: string;
  readonly engine?: EngineChoice;
  /** Ends the work cleanly after the current step. */
  readonly signal?: AbortSignal;
  readonly onRun?: (run: RunSpec, index: number) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onResult?: (run: RunSpec, result: TrainResult) => void;
  readonly onFailure?: (run: RunSpec, message: string) => void;
  /** Receives a line if an interrupted run has to restart. */
  readonly onNotice?: (line: string) => void;
}

/** The outcome of training runs. */
export interface RunsTraining {
  readonly interrupted: boolean;
  /** Runs that failed, such as with a loss that is not finite. */
  readonly failures: readonly { readonly run: string; readonly message: string }[];
}

/** Options of `trainRun`; those of `trainRuns` for a single run. */
export interface TrainRunOptions
  extends Pick<TrainRunsOptions, 'out' | 'data' | 'engine' | 'signal' | 'onProgress' | 'onNotice'> {
  /** Pauses the run at its first validation after this many epochs. */
  readonly until?: number;
}

/**
 * Trains or resumes a run; undefined if it has been finished meanwhile.
 *
 * @param images decoded images shared with other runs
 * @example await trainRun({ name: 'trials/0001', config }, { out: 'sweep', data: 'data', until: 4 }, new DecodedImages())
 */
export async function trainRun(
  run: RunSpec,
  options: TrainRunOptions,
  images: DecodedImages,
): Promise<TrainResult | undefined> {
  const { out, data, engine = {}, until, signal, onProgress, onNotice } = options;
  // Hours may have passed since the folders were read.
  const { folder, state } = await readRunResult(run, out);
  const controls = {
    data,
    run: folder,
    images,
    ...(until !== undefined && { until }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(onNotice && { onNotice }),
  };
  if (state === 'finished') return undefined;
  if (state === 'missing') {
    return train({ ...controls, config: { ...run.config, engine: { ...run.config.engine, ...engine } } });
  }
  return train({ ...controls, config: await storedConfig(folder, { engine }), resume: true });
}

/**
 * Checks that all runs use the images of this data, without those that they hold out. @throws FaceparseError that names the
 * first run with others
 */
async function requireOneDataset({ results, data }: TrainRunsOptions): Promise<void> {
  const dataset = await openDataset(await resolveSplit(data, 'train'));
  for (const { run, folder, state } of results) {
    const { environment } = runFolder(folder);
    // Runs elsewhere may have other data, which is told; a new run has none yet.
    if (run.folder !== undefined || state === 'missing' || !(await exists(environment))) continue;
    await requireSameData(environment, holdOut(dataset, run.config.data)).catch((error) => rethrowNamed(run, error));
  }
}

/**
 * Trains runs one after the other and resumes interrupted ones. If a run fails, the others are still trained. Runs with
 * the same data settings share decoded images.
 *
 * @throws FaceparseError (exit code 2) for configurations and data that cannot be trained, before training if possible
 */
export async function trainRuns(options: TrainRunsOptions): Promise<RunsTraining> {
  const { signal } = options;
  const pending = options.results.filter(({ state }) => state !== 'finished').map(({ run }) => run);
  for (const run of pending) withName(run, () => planTraining(run.config));
  await requireOneDataset(options);
  const failures: { run: string; message: string }[] = [];
  const images = new DecodedImages();
  for (const [index, run] of pending.entries()) {
    options.onRun?.(run, index);
    try {
      const trained = await trainRun(run, options, images);
      if (!trained) continue;
      if (trained.interrupted) return { interrupted: true, failures };
      options.onResult?.(run, trained);
    } catch (error) {
      if (signal?.aborted) return { interrupted: true, failures };
      if (!(error instanceof FaceparseError) || error.exitCode === 2) throw error;
      failures.push({ run: run.name, message: error.message });
      options.onFailure?.(run, error.message);
    }
  }
  return { interrupted: false, failures };
}

/** Adds the name of the run to errors. */
function withName(run: RunSpec, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    rethrowNamed(run, error);
  }
}
