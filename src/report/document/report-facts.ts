import type { Comparison } from './comparison.ts';
import type { DataFacts } from './data-facts.ts';
import type { Measurements } from './measurements.ts';
import type { NetworkFacts, RunFacts } from './run-facts.ts';

/** Who wrote a report, and what it is called. */
export interface ReportHead {
  readonly title: string;
  readonly author?: string;
  /** Matriculation number. */
  readonly id?: string;
}

/** Everything that a report tells; its text is made from this and nothing else. */
export interface ReportFacts extends ReportHead {
  readonly run: RunFacts;
  readonly network: NetworkFacts;
  /** Trainable parameters, auxiliary heads included. */
  readonly parameters: number;
  /** Of the training masks; absent where they are not there. */
  readonly data?: DataFacts;
  /** On the validation pairs; absent where they are not there. */
  readonly measured?: Measurements;
  readonly comparison?: Comparison;
  /** Files of the figures that there are, relative to the report: `figures/network.svg`. */
  readonly figures: ReportFigures;
}

/** Paths of figures, relative to the report. */
export interface ReportFigures {
  readonly network: string;
  readonly loss: string;
  readonly score: string;
  readonly confusion?: string;
  readonly comparison?: string;
  /** One a picture, in the order of `measured.worst`. */
  readonly failures: readonly string[];
}
