import { join } from 'node:path';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { countOf } from '../../text/counts.ts';
import { detectClassOrder } from '../dataset/class-order.ts';
import { detectViewerSides } from '../dataset/left-right.ts';
import type { DatasetProblem } from './finding.ts';
import type { PairFinding } from './inspect-pair.ts';

/**
 * Finds what all masks of a folder have in common and no single one shows: the class order of another program, or sides named
 * as the viewer sees them. Neither is corrected by swapping the sides of some masks.
 */
export function findConventionProblem(
  findings: readonly PairFinding[],
  folder: string,
  set: LabelSet,
): DatasetProblem | undefined {
  const file = join(folder, 'masks');
  // The orders of other programs are known in relation to celebamask-19.
  const order = set.name === celebamask19.name ? detectClassOrder(findings.flatMap(({ ids }) => ids ?? [])) : undefined;
  if (order) {
    const { name, title } = order.order;
    return {
      kind: 'class-order',
      stem: '',
      file,
      message: `contains masks with the class order of ${title}, not that of ${set.name} (${order.masks.length} of ${countOf(order.judged, 'mask')})`,
      remedy: `convert them with faceparse data convert ${folder} --from ${name} --out NEW_FOLDER; swapping left and right does not correct them`,
    };
  }
  const viewer = detectViewerSides(findings.flatMap(({ sides }) => sides ?? []));
  if (!viewer) return undefined;
  return {
    kind: 'viewer-sides',
    stem: '',
    file,
    message: `contains masks that name left and right as the viewer sees them (${viewer.swapped} of ${countOf(viewer.judged, 'mask')} with both eyes or brows), but l_ is the left of the person`,
    remedy: `swap the sides of all masks with faceparse data check ${folder} --repair-out NEW_FOLDER --swap-sides`,
  };
}
