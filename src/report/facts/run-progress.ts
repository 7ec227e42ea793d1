import { isFinished } from '../../training/earlier-run/run-state.ts';
import type { MetricsLine } from '../../training/run-folder.ts';
import type { RunFacts } from './run-facts.ts';

/** A change of the image size within a run. */
export interface SizeStep {
  /** Epoch at which the size begins. */
  readonly epoch: number;
  readonly size: number;
}

/** A line of metrics that a validation wrote. */
export type Validation = MetricsLine & { readonly valF: number };

/** What the progress of a run is read from. */
type Progress = Pick<RunFacts, 'config' | 'metrics'>;

/** Whether a run came to its end. */
export function isAtEnd({ config, metrics }: Progress): boolean {
  const last = metrics.at(-1);
  return last !== undefined && isFinished(last, config);
}

/** The validations that a run made, in order. */
export function validations({ metrics }: Pick<RunFacts, 'metrics'>): Validation[] {
  return metrics.filter((line): line is Validation => line.valF !== undefined);
}

/** The last validation of a run; undefined before the first. */
export function lastValidation(run: Pick<RunFacts, 'metrics'>): Validation | undefined {
  return validations(run).at(-1);
}

/** How many validation images training scored, the first ones; undefined where it scored all that were measured. */
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

/** The sizes of the training images that a run came to, and the epochs at which they begin. */
export function sizeSteps({ config: { train }, metrics }: Progress): SizeStep[] {
  const shareOf = ({ epoch, seconds }: MetricsLine) =>
    train.minutes ? seconds / (train.minutes * 60) : epoch / train.epochs;
  const sizes = [...train.resolutions.map(({ size }) => size), train.size];
  return sizes.flatMap((size, index) => {
    if (index === 0) return [{ epoch: 0, size }];
    const from = train.resolutions[index - 1].until;
    // A line at the very border was written by the resolution before.
    const line = metrics.find((entry) => shareOf(entry) > from);
    return line ? [{ epoch: train.minutes ? line.epoch : from * train.epochs, size }] : [];
  });
}

/** The validations at the last size that a run came to. */
export function validationsAtLastSize(run: Progress): Validation[] {
  const from = sizeSteps(run).at(-1)!.epoch;
  return validations(run).filter(({ epoch }) => epoch > from);
}

/** The epoch of a step of a run. */
export function epochOf(step: number, { metrics }: Pick<RunFacts, 'metrics'>): number {
  const last = metrics.at(-1)!;
  return (step * last.epoch) / last.step;
}
