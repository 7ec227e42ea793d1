import { encodePalettePng } from '../formats/png/palette-png.ts';
import { findUnknownId } from '../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../labels/label-set.ts';
import type { LabelMap } from './image.ts';

type Color = readonly [number, number, number];

const black: Color = [0, 0, 0];
/** Label of ignored pixels; not used by any class. */
const ignoredColor: Color = [255, 255, 255];

/** The colours of the classes; with `whole`, 256 entries: black for unused ids, white for 255. */
function paletteOf({ classes }: LabelSet, whole: boolean): readonly Color[] {
  const colors = classes.map(({ color }) => color);
  if (!whole) return colors;
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
  const unknown = findUnknownId(labels.data, set);
  if (unknown >= 0)
    throw new RangeError(`pixel ${unknown} has the id ${labels.data[unknown]}, which is not in ${set.name}`);
  return encodePalettePng(labels, paletteOf(set, labels.data.includes(ignoreLabel)));
}
