import type { Comparison } from './comparison.ts';
import type { DataFacts } from './data-facts.ts';
import type { Measurements } from './measurements.ts';
import type { NetworkFacts, RunFacts } from './run-facts.ts';

/** Title and author of a report. */
export interface ReportHead {
  readonly title: string;
  readonly author?: string;
  /** Matriculation number. */
  readonly id?: string;
}

/** The views of a photo that a prediction is averaged over. */
export interface AveragedViews {
  /** Whether every view is also seen mirrored. */
  readonly flip: boolean;
  /** Sides in pixels of the squares that the network sees, ascending. */
  readonly sides: readonly number[];
}

/** Number of forward passes per photo. */
export function viewsOf({ flip, sides }: AveragedViews): number {
  return sides.length * (flip ? 2 : 1);
}

/** All facts in a report; its text depends on nothing else. */
export interface ReportFacts extends ReportHead {
  readonly run: RunFacts;
  readonly network: NetworkFacts;
  /** Trainable parameters, auxiliary heads included. */
  readonly parameters: number;
  /** Facts about the training masks; absent if the masks of the run are not available. */
  readonly data?: DataFacts;
  /** Scores on the validation pairs; absent if the pairs are not available. */
  readonly measured?: Measurements;
  /** Whether the available data are those that the run was trained and validated on. */
  readonly hasOwnData: boolean;
  /** Absent without averaging. */
  readonly averaging?: AveragedViews;
  readonly comparison?: Comparison;
  /** Files of the available figures, relative to the report: `figures/network.svg`. */
  readonly figures: ReportFigures;
}

/** Paths of figures, relative to the report. */
export interface ReportFigures {
  readonly network: string;
  readonly loss: string;
  /** Absent for a run without a validation. */
  readonly score?: string;
  readonly confusion?: string;
  readonly comparison?: string;
  /** One per image, in the order of `measured.worst`. */
  readonly failures: readonly string[];
}
