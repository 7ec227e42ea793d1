import type { SideEvidence } from '../dataset/left-right.ts';
import type { LeftAlone } from '../dataset/list-images.ts';

export type ProblemKind =
  | 'empty-dataset'
  | 'photos-elsewhere'
  | 'masks-elsewhere'
  | 'missing-mask'
  | 'missing-photo'
  | 'duplicate-photo'
  | 'duplicate-mask'
  | 'unreadable-photo'
  | 'unreadable-mask'
  | 'unreadable-file'
  | 'mask-format'
  | 'size-mismatch'
  | 'exif-orientation'
  | 'binary-mask'
  | 'nothing-to-score'
  | 'stray-labels'
  | 'empty-mask'
  | 'palette-order'
  | 'shifted-ids'
  | 'class-order'
  | 'viewer-sides';

/** One problem with one file, or with all masks of the folder (`binary-mask`, `shifted-ids`, `class-order`,
 * `viewer-sides`). */
export interface DatasetProblem {
  readonly kind: ProblemKind;
  /** File name without its extension; empty for a problem of the whole folder. */
  readonly stem: string;
  readonly file: string;
  /** The problem, without the file name. */
  readonly message: string;
  readonly remedy: string;
}

/** A mask in which left and right are swapped, for all parts or some. */
export interface SidesFinding {
  readonly stem: string;
  /** The pairs to swap back, e.g. `['eye', 'brow', 'ear']`. */
  readonly parts: string[];
  readonly evidence: SideEvidence[];
}

/** A photo that is nearly the same as another one. */
export interface NearDuplicate {
  readonly stem: string;
  readonly file: string;
  /** Path of the first photo that it resembles. */
  readonly original: string;
  /** Whether it is the mirror image of `original`. */
  readonly mirrored: boolean;
  /** Correlation of the two photos at 32×32 pixels, at most 1. */
  readonly similarity: number;
}

/** Result of `checkDataset`. */
export interface CheckResult {
  readonly folder: string;
  /** Number of photos with a mask. */
  readonly pairs: number;
  /** What all masks have after the name of their photo, such as `_mask`; usually empty. */
  readonly maskSuffix: string;
  /** Files and folders that were not used: other files, hidden files, subfolders. */
  readonly leftAlone: readonly LeftAlone[];
  /** Photos, where the folder has no mask at all; such a test split is no fault. */
  readonly photosOnly?: number;
  readonly problems: DatasetProblem[];
  /**
   * Masks with eyes or brows in reversed order. If these are most masks, `problems` contains `viewer-sides`: the masks follow
   * another convention. Empty if the ids of the masks mean something else.
   */
  readonly swapped: SidesFinding[];
  /** Masks that are not swapped as a whole but have a single ear, brow or eye on the wrong side of the nose. */
  readonly misplaced: SidesFinding[];
  /** Photos that nearly repeat another photo of the folder. */
  readonly duplicates: NearDuplicate[];
}

/** Result of `checkSplits`. */
export interface SplitsCheckResult {
  readonly folder: string;
  /** One result per split, the training split first. */
  readonly splits: CheckResult[];
  /** Photos that nearly repeat a photo of an earlier split. */
  readonly duplicatesAcross: NearDuplicate[];
}
