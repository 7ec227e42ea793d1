import type { Config } from '../config/schema.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { MeanWithError, PairedInterval } from '../metrics/bootstrap.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import type { MetricsLine } from '../training/record/run-folder.ts';

/** The splits of a data folder that have masks, in this order. */
export const splitNames = ['train', 'val', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** One image of a split as a run sees it. */
export interface ScoredStem {
  readonly stem: string;
  /** F of the image, 0 to 1. */
  readonly f: number;
  /** Mean boundary F of the classes with a boundary in the truth; absent without one. */
  readonly boundaryF?: number;
}

/** Scores of one run on one split, in the classes of the comparison. */
export interface SplitScores {
  readonly split: SplitName;
  readonly summary: ScoreSummary;
  /** In the order of the dataset. */
  readonly images: readonly ScoredStem[];
  readonly f: MeanWithError;
  readonly boundaryF: MeanWithError;
  /** Median time of the network for one image, in milliseconds. */
  readonly networkMilliseconds: number;
}

/** Size and cost of a run's network. */
export interface RunCost {
  readonly model: string;
  readonly encoder?: string;
  /** Side of its input in pixels. */
  readonly size: number;
  readonly parameters: number;
  /** 10⁹ multiply-accumulates for one image of its size. */
  readonly gigaMultiplyAccumulates: number;
  readonly epochs: number;
  readonly steps: number;
  /** Training time divided by epochs, validation included. */
  readonly secondsPerEpoch: number;
}

/** Times and memory of a network, measured in a process of its own. */
export interface MeasuredCost {
  /** Median time of a training step of `batchSize` images, in milliseconds. */
  readonly stepMilliseconds: number;
  /** Median time for one image of its size, in milliseconds. */
  readonly inferenceMilliseconds: number;
  /** Peak memory of a process that trains, and of one that only parses, in MiB. */
  readonly trainingMebibytes: number;
  readonly inferenceMebibytes: number;
}

/** A run of a comparison with everything that is known about it. */
export interface ComparedRun {
  readonly name: string;
  readonly folder: string;
  readonly config: Config;
  /** Processor and engine of its training, from its environment.json. */
  readonly machine: string;
  /** Why the run is not finished, such as `stopped at epoch 3.0 of 30`; absent for a finished run. */
  readonly unfinished?: string;
  readonly cost: RunCost;
  readonly measured?: MeasuredCost;
  /** metrics.csv. */
  readonly metrics: readonly MetricsLine[];
  readonly scores: readonly SplitScores[];
}

/** A difference of F (per image) between two runs on the images of a split. */
export interface RunDifference extends PairedInterval {
  readonly split: SplitName;
  /** Names of runs; the difference is of `run` minus `base`. */
  readonly run: string;
  readonly base: string;
}

/** Distribution of one class over the images of a split. */
export interface ClassShare {
  readonly id: number;
  /** Share of the pixels that count, 0 to 1. */
  readonly share: number;
  /** Share of the images that contain the class, 0 to 1. */
  readonly images: number;
  /** Shares of the pixels of an image that contains the class: 5, 25, 50, 75 and 95 %; absent without images. */
  readonly quantiles?: readonly [number, number, number, number, number];
}

/** The classes of a split's truth. */
export interface ClassDistribution {
  readonly split: SplitName;
  readonly images: number;
  readonly classes: readonly ClassShare[];
}

/** Why a panel is shown. */
export type PanelReason = 'best' | 'median' | 'worst' | 'most disagreed' | 'chosen by name';

/** One picture: photo and truth, and the prediction of every run. Label maps have the classes of the comparison. */
export interface Panel {
  readonly split: SplitName;
  readonly stem: string;
  readonly reason: PanelReason;
  /** RGB, and labels, all of this size. */
  readonly width: number;
  readonly height: number;
  readonly photo: Uint8Array;
  readonly truth: Uint8Array;
  readonly predictions: readonly { readonly run: string; readonly f: number; readonly labels: Uint8Array }[];
}

/** Runs on the same data, ready to be written as a page. */
export interface Comparison {
  readonly title: string;
  /** A question that it answers, as a study has it. */
  readonly question?: string;
  /** Classes in which all runs are scored. */
  readonly labelSet: LabelSet;
  /** Tolerance of boundary F in pixels of the mask. */
  readonly boundaryTolerance: number;
  /** The command that makes it, without paths of the machine. */
  readonly command: string;
  readonly version: string;
  readonly runs: readonly ComparedRun[];
  readonly differences: readonly RunDifference[];
  readonly distributions: readonly ClassDistribution[];
  readonly panels: readonly Panel[];
}
