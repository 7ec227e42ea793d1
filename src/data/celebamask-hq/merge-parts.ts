import type { LabelMap, Photo } from '../../image/image.ts';
import { ImageError } from '../../image/read-image.ts';
import type { RawPart } from './raw-layout.ts';

/**
 * Paints the parts of a face over each other in the order of their class ids, as in
 * `face_parsing/Data_preprocessing/g_mask.py` of switchablenorms/CelebAMask-HQ: hair covers ears and skin. A pixel belongs to
 * a part if it is not black.
 *
 * @param read reads a part as RGB; parts are RGB, greyscale or palette PNGs, not label maps
 * @param locate the path of a part, for messages
 * @throws ImageError that names the part if it is damaged, not square, or of another size than the others
 */
export async function mergeParts(
  parts: readonly RawPart[],
  read: (path: string) => Promise<Photo>,
  locate: (path: string) => string,
): Promise<LabelMap> {
  let merged: LabelMap | undefined;
  for (const { classId, path } of parts) {
    const { width, height, data } = await read(path);
    merged ??= { width, height, data: new Uint8Array(width * height) };
    if (merged.width !== width || merged.height !== height) {
      throw new ImageError(
        locate(path),
        `is ${width}×${height}, but the other parts of this face are ${merged.width}×${merged.height}`,
        'unpack the annotations again',
      );
    }
    if (width !== height) {
      throw new ImageError(locate(path), `is ${width}×${height}, not square`, 'unpack the annotations again');
    }
    for (let i = 0, j = 0; i < merged.data.length; i++, j += 3) {
      if (data[j] | data[j + 1] | data[j + 2]) merged.data[i] = classId;
    }
  }
  if (!merged) throw new Error('mergeParts needs at least one part');
  return merged;
}

/** Resizes with nearest neighbour and pixel centres at halves, so ids are never mixed. */
export function resizeNearest(map: LabelMap, size: number): LabelMap {
  if (map.width === size && map.height === size) return map;
  const data = new Uint8Array(size * size);
  for (let y = 0, i = 0; y < size; y++) {
    const row = Math.floor(((y + 0.5) * map.height) / size) * map.width;
    for (let x = 0; x < size; x++, i++) data[i] = map.data[row + Math.floor(((x + 0.5) * map.width) / size)];
  }
  return { width: size, height: size, data };
}
