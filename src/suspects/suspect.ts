import type { LabelMap, Photo } from '../image/image.ts';
import type { LabelSet } from '../labels/label-set.ts';

/** A class of a mask that networks confidently take for another one. */
export interface SuspectFinding {
  /** Names of the classes in the mask and in the prediction. */
  readonly labelled: string;
  readonly predicted: string;
  /** Pixels of the mask file, rounded. */
  readonly pixels: number;
  /** 0 to 1, see `scoreMask`. */
  readonly score: number;
}

/** A judged mask. */
export interface Suspect {
  readonly stem: string;
  readonly image: string;
  readonly mask: string;
  /** Score of the mask as it is in the file, 0 to 1, see `scoreMask`. */
  readonly score: number;
  /** What explains the score, the worst first. */
  readonly findings: readonly SuspectFinding[];
  /** Folders of the runs that judged it. */
  readonly runs: readonly string[];
  /** What is left after the repair that training makes itself (`data.repair`); absent if it changes nothing in this mask. */
  readonly repaired?: {
    /** Parts whose left and right it exchanges: `['eye', 'brow']`. */
    readonly parts: readonly string[];
    readonly score: number;
    readonly findings: readonly SuspectFinding[];
  };
}

/** Pictures of a suspect, all of one size. */
export interface SuspectPictures {
  readonly suspect: Suspect;
  readonly photo: Photo;
  /** Ids of the label set. */
  readonly truth: LabelMap;
  readonly prediction: LabelMap;
  /** 1 where mask and prediction differ by more than the course of a boundary, H×W. */
  readonly disagreement: Uint8Array;
}

/** The result of `findSuspects`. */
export interface SuspectSearch {
  readonly folder: string;
  /** Classes in which masks and predictions are compared. */
  readonly labelSet: LabelSet;
  /** Pairs of the folder. */
  readonly pairs: number;
  /** Runs that judged pairs, and how many. */
  readonly runs: readonly { readonly run: string; readonly weights: string; readonly pairs: number }[];
  readonly unused: readonly { readonly run: string; readonly reason: string }[];
  /** Stems of the pairs that no run can judge. */
  readonly unjudged: readonly string[];
  /** Commands that train the missing runs. */
  readonly commands: readonly string[];
  /** Why pairs could not be judged, one text each. */
  readonly failures: readonly string[];
  /** All judged masks, by falling score. */
  readonly suspects: readonly Suspect[];
  /** Pictures of the first suspects, in their order. */
  readonly pictures: readonly SuspectPictures[];
}

/** Scores below this are usual for correct masks. */
export const leastScore = 0.2;

/** Whether the repair in training removes the doubt about a mask. */
export function isRepaired({ score, repaired }: Suspect): boolean {
  return repaired !== undefined && score >= leastScore && repaired.score < leastScore;
}

/** The score and the findings that the repair in training leaves. */
export function leftAfterRepair({ score, findings, repaired }: Suspect): Pick<Suspect, 'score' | 'findings'> {
  return repaired ?? { score, findings };
}

/**
 * The masks to look at: those that the repair in training leaves with a score of at least `leastScore`, by falling score after
 * the repair.
 */
export function toLookAt(suspects: readonly Suspect[]): Suspect[] {
  const left = (suspect: Suspect) => leftAfterRepair(suspect).score;
  return suspects.filter((suspect) => left(suspect) >= leastScore).sort((a, b) => left(b) - left(a));
}
