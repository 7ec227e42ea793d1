import { celebamask19 } from '../../labels/celebamask-19.ts';
import { isKnownId } from '../../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { joinWords } from '../../text/join-words.ts';
import type { DatasetProblem } from './finding.ts';

type ValueProblem = Pick<DatasetProblem, 'kind' | 'message' | 'remedy'>;

/** Masks have few classes; a mask with more different stray values is a picture. */
const mostStrayIds = 32;

/** The ids that occur, in ascending order. */
export function idsIn(counts: Float64Array): number[] {
  return [...counts.entries()].filter(([, pixels]) => pixels > 0).map(([id]) => id);
}

/** The factor of ids that were multiplied to make them visible (0, 10, 20, …), or 1. */
function commonFactor(ids: readonly number[]): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return ids.reduce(divisor, 0) || 1;
}

function describeStray(counts: Float64Array, stray: readonly number[], set: LabelSet): ValueProblem {
  const ids = idsIn(counts).filter((id) => id !== ignoreLabel);
  const range = `the ids of ${set.name} are 0 to ${set.classes.length - 1}`;
  if (stray.length > mostStrayIds) {
    return {
      kind: 'stray-labels',
      message: `has ${idsIn(counts).length} different values, as a greyscale picture has, but ${range}`,
      remedy: 'a mask contains one class id per pixel; write it from the ids, without smoothing or JPEG compression',
    };
  }
  const factor = commonFactor(ids);
  if (factor > 1 && ids.length > 3 && ids.every((id) => isKnownId(id / factor, set))) {
    return {
      kind: 'stray-labels',
      message: `has only multiples of ${factor} (${ids.slice(0, 4).join(', ')}, …), but ${range}`,
      remedy: `the ids seem to be multiplied by ${factor} to make them visible; divide them by ${factor}`,
    };
  }
  const merged = set.mergeFrom !== undefined && ids.every((id) => isKnownId(id, celebamask19));
  const listed = stray.slice(0, 5).map((id) => `label ${id} in ${counts[id]} ${counts[id] === 1 ? 'pixel' : 'pixels'}`);
  if (stray.length > 5) listed.push(`${stray.length - 5} more labels`);
  return {
    kind: 'stray-labels',
    message: `has ${listed.join(', ')}, but ${range}`,
    remedy: merged
      ? `the ids may be those of celebamask-19, which training and evaluate merge into ${set.name}; check with --labels celebamask-19`
      : 'relabel these pixels, or use the label set of the masks',
  };
}

/** Whether two colours are black and white. */
function isBlackAndWhite(colors: readonly (readonly number[] | undefined)[]): boolean {
  const sums = colors.map((color) => (color ? color[0] + color[1] + color[2] : Number.NaN));
  return sums.includes(0) && sums.includes(3 * 255);
}

/**
 * Judges the ids of one mask: nothing to score, black and white, ids outside the label set, background only. Returns the
 * first of these that applies, since each makes the next meaningless.
 *
 * @param counts pixels of every id (256 entries)
 * @param palette colours of the file's palette; empty for greyscale
 */
export function findValueProblem(
  counts: Float64Array,
  palette: readonly (readonly [number, number, number])[],
  set: LabelSet,
): ValueProblem | undefined {
  const ids = idsIn(counts);
  if (ids.length === 1 && ids[0] === ignoreLabel) {
    return {
      kind: 'nothing-to-score',
      message: `has no pixel to score: every pixel is ${ignoreLabel} (ignored)`,
      remedy: 'redraw the mask or remove the pair',
    };
  }
  const [low, high] = ids;
  const blackAndWhite =
    ids.length === 2 && ((low === 0 && high === 255) || isBlackAndWhite([palette[low], palette[high]]));
  if (blackAndWhite) {
    return {
      kind: 'binary-mask',
      message: `has only the values ${joinWords(ids, 'and')}: a black-and-white mask of one part, and these are not class ids`,
      remedy:
        'write the class id of the part instead of white, e.g. 13 for hair; if each part has its own file, as in raw CelebAMask-HQ, combine them with faceparse data prepare',
    };
  }
  const stray = ids.filter((id) => !isKnownId(id, set));
  if (stray.length > 0) return describeStray(counts, stray, set);
  if (ids.length === 1 && low === 0) {
    return {
      kind: 'empty-mask',
      message: 'is empty: every pixel is background (0)',
      remedy: 'redraw the mask or remove the pair',
    };
  }
  return undefined;
}
