import { encodePalettePng } from '../formats/png/palette-png.ts';
import { findUnknownId } from '../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import type { LabelMap } from './image.ts';

type Color = readonly [number, number, number];

const black: Color = [0, 0, 0];
/** Label of ignored pixels; not used by any class. */
const ignoredColor: Color = [255, 255, 255];

/**
 * The palette of a label map's PNG: one entry per class, or 256 if pixels are ignored (black for unused ids, white for 255).
 *
 * @throws RangeError for any other id outside the set
 */
export function labelPalette({ data }: LabelMap, set: LabelSet): readonly Color[] {
  const unknown = findUnknownId(data, set);
  if (unknown >= 0) throw new RangeError(`pixel ${unknown} has the id ${data[unknown]}, which is not in ${set.name}`);
  const colors = set.classes.map(({ color }) => color);
  if (!data.includes(ignoreLabel)) return colors;
  return Array.from({ length: 256 }, (_, id) => (id === ignoreLabel ? ignoredColor : (colors[id] ?? black)));
}

/**
 * Encodes a label map as an 8-bit palette PNG: indices are class ids, colours come from the set. The palette has one entry
 * per class, or 256 if pixels are ignored (255), because the PNG specification forbids indices beyond the palette and
 * readers treat them differently.
 *
 * @throws RangeError for any other id outside the set, or data that do not fill width × height
 * @example await writeFile('masks/7.png', encodeLabelPng(labels, getLabelSet('celebamask-19')))
 */
export function encodeLabelPng(labels: LabelMap, set: LabelSet): Uint8Array {
  return encodePalettePng(labels, labelPalette(labels, set));
}
