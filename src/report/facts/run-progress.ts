import type { Config } from '../../config/schema.ts';
import { isFinished } from '../../training/earlier-run/run-state.ts';
import { configBefore } from '../../training/earlier-run/setting-changes.ts';
import type { MetricsLine } from '../../training/record/run-folder.ts';
import { type RunFacts, trainingDataOf } from './run-facts.ts';

/** A change of the image size within a run. */
export interface SizeStep {
  /** First epoch at this size. */
  readonly epoch: number;
  readonly size: number;
}

/** A line of metrics that a validation wrote. */
export type Validation = MetricsLine & { readonly valF: number };

/** The facts about the progress of a run. */
type Progress = Pick<RunFacts, 'config' | 'metrics'> & { readonly environment?: RunFacts['environment'] };

/** Whether a run has finished. */
export function isAtEnd({ config, metrics, environment }: Progress): boolean {
  const last = metrics.at(-1);
  const pairs = environment && trainingDataOf(environment).at(-1)?.pairs;
  return last !== undefined && isFinished(last, config, pairs);
}

/** The validations of a run, in order. */
export function validations({ metrics }: Pick<RunFacts, 'metrics'>): Validation[] {
  return metrics.filter((line): line is Validation => line.valF !== undefined);
}

/** The last validation of a run; undefined before the first. */
export function lastValidation(run: Pick<RunFacts, 'metrics'>): Validation | undefined {
  return validations(run).at(-1);
}

/** Number of first validation images that training scored; undefined if it scored all measured images. */
export function scoredFirst({
  run,
  measured,
}: {
  readonly run: Pick<RunFacts, 'config'>;
  readonly measured?: { readonly summary: { readonly images: number } };
}): number | undefined {
  const { limit } = run.config.validation;
  return limit !== undefined && limit < (measured?.summary.images ?? Number.POSITIVE_INFINITY) ? limit : undefined;
}

/** The training image sizes that a run reached, and the first epoch of each. */
export function sizeSteps(run: Progress): SizeStep[] {
  const { config, metrics, environment } = run;
  // Where the plan of sizes was changed, no single configuration has it.
  if (environment?.resumes?.some(({ changes = [] }) => changes.length > 0)) return sizesOfLines(run);
  const { train } = config;
  const sizes = [...train.resolutions.map(({ size }) => size), train.size];
  return sizes.flatMap((size, index) => {
    if (index === 0) return [{ epoch: 0, size }];
    const from = train.resolutions[index - 1].until;
    // A line exactly at the boundary belongs to the previous resolution.
    const line = metrics.find((entry) => shareOf(entry, train) > from);
    return line ? [{ epoch: train.minutes ? line.epoch : from * train.epochs, size }] : [];
  });
}

function shareOf({ epoch, seconds }: MetricsLine, train: Config['train']): number {
  return train.minutes ? seconds / (train.minutes * 60) : epoch / train.epochs;
}

/** The size behind each line of metrics, by the configuration that was in force at its step. */
function sizesOfLines({ config, metrics, environment }: Progress): SizeStep[] {
  const steps: SizeStep[] = [];
  let epoch = 0;
  for (const line of metrics) {
    const { train } = configBefore(config, environment ?? {}, line.step);
    const share = shareOf(line, train);
    const { size } = train.resolutions.find(({ until }) => share <= until) ?? train;
    if (size !== steps.at(-1)?.size) steps.push({ epoch, size });
    ({ epoch } = line);
  }
  return steps;
}

/** The validations at the last image size that a run reached. */
export function validationsAtLastSize(run: Progress): Validation[] {
  const from = sizeSteps(run).at(-1)!.epoch;
  return validations(run).filter(({ epoch }) => epoch > from);
}

/** The epoch of a step of a run. */
export function epochOf(step: number, { metrics }: Pick<RunFacts, 'metrics'>): number {
  // A resume may have changed the steps of an epoch, so the line nearest to the step decides.
  const line = metrics.find((one) => one.step >= step) ?? metrics.at(-1)!;
  return (step * line.epoch) / line.step;
}
