import type { Config } from '../config/schema.ts';
import type { DecodedImages } from '../data/decoded/decoded-images.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import type { RunFolder } from './record/run-folder.ts';

/** Progress of a run. */
export interface TrainingProgress {
  readonly phase: 'load' | 'train' | 'validate';
  /** Progress of the phase, 0 to 1. */
  readonly progress: number;
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly learningRate?: number;
  readonly secondsLeft?: number;
  /** After a validation: its F (per image), and the best so far. */
  readonly valF?: number;
  readonly bestF?: number;
  /** After a validation: the step of the best one. Of validations with the same F, the first is the best. */
  readonly bestStep?: number;
  /** After a validation of a run with early stopping: validations since the watched score last improved. */
  readonly staleValidations?: number;
  /** After a validation: the loss on the validation images, and F on a fixed subset of the training images. */
  readonly valLoss?: number;
  readonly trainF?: number;
}

export interface TrainOptions {
  /** For a resumed run, the result of `storedConfig`. */
  readonly config: Config;
  /** Folder with train/ and val/. */
  readonly data: string;
  /** Folder of the run; it must not exist unless the run is resumed. */
  readonly run: string;
  readonly resume?: boolean;
  /**
   * Pauses the run at its first validation after this many epochs, its earlier parts included. Schedules follow the whole length
   * of the configuration, so resuming it later makes the same run as training without a pause.
   */
  readonly until?: number;
  /** Decoded images shared with other runs; by default, the run decodes its own. */
  readonly images?: DecodedImages;
  /** Ends the run cleanly after the current step. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Receives a line for the user, such as one about repaired masks, changed settings, or early stopping that cannot act. */
  readonly onNotice?: (line: string) => void;
}

/** Scores of the best weights of a run. */
export interface BestScores {
  readonly step: number;
  readonly epoch: number;
  readonly summary: ScoreSummary;
}

export interface TrainResult {
  readonly run: RunFolder;
  readonly steps: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Whether the run was paused by `until`; it is complete up to its last validation. */
  readonly paused: boolean;
  readonly bestF: number;
  /** Why the run stopped early, if it did. */
  readonly earlyStop?: string | undefined;
  /** Scores of the last validation; undefined if the run was interrupted before the first. */
  readonly last?: ScoreSummary;
  /** Scores of the best weights, which other commands use by default; undefined if the run was interrupted or paused. */
  readonly best?: BestScores;
}
