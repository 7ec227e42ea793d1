import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import type { LabelMap } from './image.ts';

/**
 * Maps labels of a merged label set back to celebamask-19. Each class becomes the class of celebamask-19 that represents it:
 * the first one listed in `from`, and in face-8 the skin, left brow, left eye, nose, mouth, left ear or glasses. What the merge
 * removed cannot be restored: no pixel gets an id that represents nothing, so compare such masks only after merging them again.
 *
 * @param labels H×W ids of `set`; 255 stays 255
 * @returns a new map of the same size
 *
 * @example encodeLabelPng(mapLabels(result.labelMap, parser.labelSet), getLabelSet('celebamask-19'))
 */
export function mapLabels({ width, height, data }: LabelMap, { representatives }: LabelSet): LabelMap {
  const table = new Uint8Array(256).fill(ignoreLabel);
  for (let id = 0; id < ignoreLabel; id++) table[id] = representatives ? (representatives[id] ?? ignoreLabel) : id;
  return { width, height, data: data.map((id) => table[id]) };
}
