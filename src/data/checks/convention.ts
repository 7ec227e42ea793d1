import { join } from 'node:path';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { countOf } from '../../text/counts.ts';
import { detectClassOrder } from '../dataset/class-order.ts';
import { detectViewerSides } from '../dataset/left-right.ts';
import { detectShift } from '../dataset/shifted-ids.ts';
import type { DatasetProblem } from './finding.ts';
import type { PairFinding } from './inspect-pair.ts';

/** Share of the masks with the same two values from which they are masks of one part. */
const mostlyBinary = 0.9;

/** Masks of 0 and 1 only: a mask of one part, saved without scaling to 255. A single such mask among others may be right. */
function findBinaryMasks(
  findings: readonly PairFinding[],
  set: LabelSet,
): Pick<DatasetProblem, 'message' | 'remedy'>[] {
  const judged = findings.flatMap(({ ids }) => ids ?? []);
  const binary = judged.filter(({ count }) => count[1] > 0 && count.every((pixels, id) => id < 2 || pixels === 0));
  if (judged.length === 0 || binary.length < mostlyBinary * judged.length) return [];
  return [
    {
      message: `contains masks with only the values 0 and 1 (${binary.length} of ${countOf(judged.length, 'mask')}): they seem to be black-and-white masks of one part, and 1 is ${set.classes[1].name} in ${set.name}`,
      remedy:
        'write the class id of the part instead of 1, e.g. 13 for hair, and the ids of all other parts; if each part has its own file, as in raw CelebAMask-HQ, combine them with faceparse data prepare',
    },
  ];
}

/**
 * Finds what all masks of a folder have in common and no single one shows: ids that are 1 too high or too low, the values 0 and
 * 1 only, the class order of another program, or sides named as the viewer sees them. Only the last is corrected by swapping
 * the sides.
 */
export function findConventionProblem(
  findings: readonly PairFinding[],
  folder: string,
  set: LabelSet,
): DatasetProblem | undefined {
  const file = join(folder, 'masks');
  const ids = findings.flatMap((finding) => finding.ids ?? []);
  const [binary] = findBinaryMasks(findings, set);
  if (binary) return { kind: 'binary-mask', stem: '', file, ...binary };
  const shift = detectShift(ids, set);
  if (shift) {
    return {
      kind: 'shifted-ids',
      stem: '',
      file,
      message: `contains masks whose ids are 1 too ${shift > 0 ? 'high: background is 1 instead of 0' : 'low: background is 255 and skin is 0'}`,
      remedy: `${shift > 0 ? 'subtract 1 from' : 'add 1 to'} every id, including the background, and write the masks again; swapping left and right does not correct them`,
    };
  }
  // The orders of other programs are known in relation to celebamask-19.
  const order = set.name === celebamask19.name ? detectClassOrder(ids) : undefined;
  if (order) {
    const { name, title } = order.order;
    return {
      kind: 'class-order',
      stem: '',
      file,
      message: `contains masks with the class order of ${title} instead of ${set.name} (${order.masks.length} of ${countOf(order.judged, 'mask')})`,
      remedy: `convert them with faceparse data convert ${folder} --from ${name} --out NEW_FOLDER; swapping left and right does not correct them`,
    };
  }
  const viewer = detectViewerSides(findings.flatMap(({ sides }) => sides ?? []));
  if (!viewer) return undefined;
  const stray = findings.some(({ problems }) => problems.some(({ kind }) => kind === 'stray-labels'));
  return {
    kind: 'viewer-sides',
    stem: '',
    file,
    message: `contains masks that name left and right as the viewer sees them (${viewer.swapped} of ${countOf(viewer.judged, 'mask')} with both eyes or brows), but l_ is the left of the person`,
    remedy: `${stray ? 'first correct the labels outside the label set, then ' : ''}swap the sides of all masks with faceparse data check ${folder} --repair-out NEW_FOLDER --swap-sides`,
  };
}
