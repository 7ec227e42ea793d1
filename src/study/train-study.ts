import { rm } from 'node:fs/promises';
import type { EngineChoice } from '../engine/select-engine.ts';
import { FaceparseError } from '../errors.ts';
import { exists } from '../files/path-kind.ts';
import { planTraining } from '../training/plan.ts';
import { runFolder } from '../training/run-folder.ts';
import { storedConfig } from '../training/stored-config.ts';
import { type TrainingProgress, type TrainResult, train } from '../training/trainer.ts';
import type { StudyRun } from './load-study.ts';
import type { RunResult } from './run-result.ts';

export interface TrainStudyOptions {
  /** The runs that are not finished, as `readRunResult` found them. */
  readonly pending: readonly RunResult[];
  /** Folder that holds train/ and val/. */
  readonly data: string;
  readonly engine?: EngineChoice;
  /** Ends the study cleanly after the step that is under way. */
  readonly signal?: AbortSignal;
  readonly onRun?: (run: StudyRun, index: number) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onResult?: (run: StudyRun, result: TrainResult) => void;
  readonly onFailure?: (run: StudyRun, message: string) => void;
}

/** What became of the training of a study. */
export interface StudyTraining {
  readonly interrupted: boolean;
  /** Runs that ended with an error of their own, such as a loss that is not finite. */
  readonly failures: readonly { readonly run: string; readonly message: string }[];
}

async function trainRun({ run, folder }: RunResult, options: TrainStudyOptions): Promise<TrainResult> {
  const { data, engine = {}, signal, onProgress } = options;
  const controls = { data, run: folder, ...(signal && { signal }), ...(onProgress && { onProgress }) };
  if (await exists(runFolder(folder).checkpoint)) {
    return train({ ...controls, config: await storedConfig(folder, { engine }), resume: true });
  }
  // What was ended by force before its first checkpoint has nothing to go on from; that the folder is this run's is
  // known, since its configuration was compared.
  await rm(folder, { recursive: true, force: true });
  return train({ ...controls, config: { ...run.config, engine: { ...run.config.engine, ...engine } } });
}

/**
 * Trains runs one after the other, going on with those that were interrupted. A run that fails does not keep the others
 * from being trained.
 *
 * @throws FaceparseError (exit code 2), before anything is trained where possible, for configurations and data that
 * cannot be trained
 */
export async function trainStudy(options: TrainStudyOptions): Promise<StudyTraining> {
  const { pending, signal } = options;
  for (const { run } of pending) withName(run, () => planTraining(run.config));
  const failures: { run: string; message: string }[] = [];
  for (const [index, result] of pending.entries()) {
    const { run } = result;
    options.onRun?.(run, index);
    try {
      const trained = await trainRun(result, options);
      if (trained.interrupted) return { interrupted: true, failures };
      options.onResult?.(run, trained);
    } catch (error) {
      if (!(error instanceof FaceparseError) || error.exitCode === 2 || signal?.aborted) throw error;
      failures.push({ run: run.name, message: error.message });
      options.onFailure?.(run, error.message);
    }
  }
  return { interrupted: false, failures };
}

/** Says in errors which run they are about. */
function withName(run: StudyRun, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    throw new FaceparseError(`${run.name}: ${error.message}`, { exitCode: error.exitCode, cause: error });
  }
}
