import { encodePalettePng } from '../formats/palette-png.ts';
import { findUnknownId } from '../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import type { LabelMap } from './image.ts';

type Color = readonly [number, number, number];

const black: Color = [0, 0, 0];
/** No class of a label set has it. */
const ignoredColor: Color = [255, 255, 255];

/** The colours of the classes, with `whole` up to 256: black where there is no class, white for 255. */
function paletteOf({ classes }: LabelSet, whole: boolean): readonly Color[] {
  const colors = classes.map(({ color }) => color);
  if (!whole) return colors;
  return Array.from({ length: 256 }, (_, id) => (id === ignoreLabel ? ignoredColor : (colors[id] ?? black)));
}

/**
 * Encodes a label map as an 8-bit palette PNG: indices are ids, colours those of the set. A palette as long as the set has
 * classes is enough for most; one that also ignores pixels (255) gets all 256 entries, as the PNG specification
 * forbids indices beyond the palette and readers differ in what they make of them.
 *
 * @throws RangeError for another id that the set does not have, or data that do not fill width × height
 * @example await writeFile('masks/7.png', encodeLabelPng(labels, celebamask19))
 */
export function encodeLabelPng(labels: LabelMap, set: LabelSet): Uint8Array {
  const unknown = findUnknownId(labels.data, set);
  if (unknown >= 0)
    throw new RangeError(`pixel ${unknown} has the id ${labels.data[unknown]}, which ${set.name} does not have`);
  return encodePalettePng(labels, paletteOf(set, labels.data.includes(ignoreLabel)));
}
