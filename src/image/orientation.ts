import type { LabelMap } from './image.ts';

/**
 * Turns a label map by an EXIF orientation, as a photo is turned when it is read. Orientations 5 to 8 exchange width and
 * height.
 *
 * @param orientation 1 to 8; 1 returns a copy
 * @example turnUpright(mask, 6) // rotated by 90° clockwise
 */
export function turnUpright({ width, height, data }: LabelMap, orientation: number): LabelMap {
  const sideways = orientation >= 5;
  const turned = { width: sideways ? height : width, height: sideways ? width : height };
  const [right, bottom] = [width - 1, height - 1];
  /** The stored position (x, y) of the upright pixel (x, y). */
  const stored: Record<number, (x: number, y: number) => readonly [number, number]> = {
    2: (x, y) => [right - x, y],
    3: (x, y) => [right - x, bottom - y],
    4: (x, y) => [x, bottom - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, bottom - x],
    7: (x, y) => [right - y, bottom - x],
    8: (x, y) => [right - y, x],
  };
  const from = stored[orientation];
  if (!from) return { width, height, data: data.slice() };
  const out = new Uint8Array(data.length);
  for (let y = 0, at = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++, at++) {
      const [storedX, storedY] = from(x, y);
      out[at] = data[storedY * width + storedX];
    }
  }
  return { ...turned, data: out };
}
