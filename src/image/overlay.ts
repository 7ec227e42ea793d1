import type { LabelSet } from '../labels/label-set.ts';
import type { LabelMap, Photo } from './image.ts';

export interface OverlayOptions {
  /** Weight of the class colour in the blend, 0 to 1. */
  readonly opacity?: number;
  /** Whether to draw thin lines between the classes. */
  readonly contours?: boolean;
}

/** Colours by class id, 256×3; ids outside the set are black. */
function colorTable(set: LabelSet): Uint8Array {
  const table = new Uint8Array(256 * 3);
  for (const { id, color } of set.classes) table.set(color, id * 3);
  return table;
}

/**
 * Paints a label map in the colours of its label set: H×W ids to an H×W×3 image. Ids outside the set are black.
 *
 * @example const image = colorize(labels, getLabelSet('celebamask-19'));
 */
export function colorize(labels: LabelMap, set: LabelSet): Photo {
  const table = colorTable(set);
  const data = new Uint8Array(labels.width * labels.height * 3);
  for (let i = 0; i < labels.width * labels.height; i++) {
    const entry = labels.data[i] * 3;
    data[i * 3] = table[entry]!;
    data[i * 3 + 1] = table[entry + 1]!;
    data[i * 3 + 2] = table[entry + 2]!;
  }
  return { width: labels.width, height: labels.height, data };
}

/** Whether another class of lower id is within `reach` pixels horizontally or vertically. */
function onContour(labels: LabelMap, x: number, y: number, reach: number): boolean {
  const { width, height, data } = labels;
  const id = data[y * width + x];
  for (let step = 1; step <= reach; step++) {
    // Only the class with the higher id carries the line, or it would be twice as wide.
    if (x >= step && data[y * width + x - step] < id) return true;
    if (x + step < width && data[y * width + x + step] < id) return true;
    if (y >= step && data[(y - step) * width + x] < id) return true;
    if (y + step < height && data[(y + step) * width + x] < id) return true;
  }
  return false;
}

/**
 * Blends the class colours with a photo and draws thin pale lines between the classes. Background (id 0) and ids outside
 * the set are unchanged. Photo and labels have the same H×W.
 *
 * @throws RangeError if the sizes differ or the opacity is not between 0 and 1
 * @example const image = blendOverlay(photo, labels, getLabelSet('celebamask-19'), { opacity: 0.4 });
 */
export function blendOverlay(photo: Photo, labels: LabelMap, set: LabelSet, options: OverlayOptions = {}): Photo {
  const { opacity = 0.5, contours = true } = options;
  const { width, height } = photo;
  if (labels.width !== width || labels.height !== height) {
    throw new RangeError(
      `the photo is ${width}×${height}, but its labels are ${labels.width}×${labels.height}; resize one to the other`,
    );
  }
  if (!(opacity >= 0 && opacity <= 1)) throw new RangeError(`opacity is ${opacity}, but must be from 0 to 1`);
  const table = colorTable(set);
  const known = new Uint8Array(256);
  for (const { id } of set.classes) known[id] = id === 0 ? 0 : 1;
  const reach = Math.max(1, Math.round(Math.min(width, height) / 400));
  const data = photo.data.slice();
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const id = labels.data[i];
      if (known[id] === 0) continue;
      const line = contours && onContour(labels, x, y, reach);
      for (let k = 0; k < 3; k++) {
        const color = table[id * 3 + k];
        const place = i * 3 + k;
        // Lines are the class colour mixed with white: visible on dark hair and on pale skin.
        data[place] = Math.round(
          line ? data[place] * 0.15 + (255 + color) * 0.425 : data[place] * (1 - opacity) + color * opacity,
        );
      }
    }
  }
  return { width, height, data };
}
