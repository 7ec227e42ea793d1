import { join } from 'node:path';
import { type ConfigDifference, configDifferences } from '../../config/config-differences.ts';
import type { Config } from '../../config/schema.ts';
import { exists } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { isFinished } from '../../training/earlier-run/run-state.ts';
import { describeChange } from '../../training/earlier-run/setting-changes.ts';
import { fitBatches } from '../../training/plan.ts';
import { readEnvironment, readSettingChanges } from '../../training/record/environment.ts';
import { readMetrics, runFolder } from '../../training/record/run-folder.ts';
import { storedConfig } from '../../training/stored-config.ts';
import type { RunSpec } from './run-spec.ts';

/** The result of a run, read from its folder. */
export interface RunResult<Run extends RunSpec = RunSpec> {
  readonly run: Run;
  readonly folder: string;
  readonly state: 'missing' | 'unfinished' | 'finished';
  /** Epoch and F (per image) of every validation. */
  readonly validations: readonly (readonly [number, number])[];
  /** Progress of the run. */
  readonly steps: number;
  readonly epochs: number;
  /** Training time, including validations. */
  readonly seconds: number;
  /** F (per image) of the last validation. */
  readonly f?: number;
  readonly bestF?: number;
}

/**
 * The first key in which two configurations differ; the run's name and the engine are ignored.
 *
 * @example differingKey(stored, wanted) // { path: 'train.lr', a: 0.001, b: 0.002 }
 */
export function differingKey(a: Config, b: Config): ConfigDifference | undefined {
  return configDifferences(a, b, ['name'])[0];
}

/** The configuration with the batches that the run could fill, if its training pairs are few. */
async function fittedConfig({ config }: RunSpec, folder: string): Promise<Config> {
  const environment = await readEnvironment(runFolder(folder).environment).catch(() => undefined);
  return environment ? fitBatches(config, environment.trainingData.pairs) : config;
}

async function requireSameConfig(run: RunSpec, folder: string): Promise<void> {
  if (!(await exists(runFolder(folder).config))) {
    throw new FaceparseError(
      `${folder} contains no run: it has no config.yaml. Move it away to train ${run.name} there.`,
      {
        exitCode: 2,
      },
    );
  }
  const difference = differingKey(await storedConfig(folder), await fittedConfig(run, folder));
  if (!difference) return requireUnchanged(run, folder);
  const show = (value: unknown) => (value === undefined ? 'unset' : JSON.stringify(value));
  const { path, a, b } = difference;
  throw new FaceparseError(
    `${folder} does not match ${run.name}: ${path} is ${show(a)}, expected ${show(b)}. ` +
      'Correct the configuration, or move the folder away to train the run again.',
    { exitCode: 2 },
  );
}

/** Checks that no resume changed a setting, even if a later one restored it. */
async function requireUnchanged(run: RunSpec, folder: string): Promise<void> {
  const [change] = await readSettingChanges(runFolder(folder).environment);
  if (!change) return;
  throw new FaceparseError(
    `${folder} does not match ${run.name}: at step ${change.step}, the run was resumed with ${describeChange(change)}. ` +
      'Compared runs have one configuration each; move the folder away to train the run again.',
    { exitCode: 2 },
  );
}

/**
 * Reads the progress of a run; `out` is the folder of the runs.
 *
 * @throws FaceparseError if the folder contains no run, or a run with another configuration
 */
export async function readRunResult<Run extends RunSpec>(run: Run, out: string): Promise<RunResult<Run>> {
  const folder = run.folder ?? join(out, run.name);
  const nothing = { run, folder, validations: [], steps: 0, epochs: 0, seconds: 0 };
  if (!(await exists(folder))) return { ...nothing, state: 'missing' };
  // A folder that was given itself is compared as it is.
  if (run.folder === undefined) await requireSameConfig(run, folder);
  const { metrics } = runFolder(folder);
  const lines = (await exists(metrics)) ? await readMetrics(metrics) : [];
  const last = lines.at(-1);
  if (!last) return { ...nothing, state: 'unfinished' };
  const validations = lines.flatMap(({ epoch, valF }) => (valF === undefined ? [] : [[epoch, valF] as const]));
  const scores = validations.map(([, f]) => f);
  return {
    run,
    folder,
    state: isFinished(last, run.config) ? 'finished' : 'unfinished',
    validations,
    steps: last.step,
    epochs: last.epoch,
    seconds: last.seconds,
    ...(scores.length > 0 && { f: scores.at(-1)!, bestF: Math.max(...scores) }),
  };
}
