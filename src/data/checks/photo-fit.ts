import type { LabelMap, Photo } from '../../image/image.ts';
import { turnUpright } from '../../image/orientation.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import type { DatasetProblem } from './finding.ts';

type FitProblem = Pick<DatasetProblem, 'kind' | 'message' | 'remedy'>;

/** Positions compared per axis. */
const samples = 64;
/**
 * Advantage of the turned mask in explained colour variance where no parts show which way is up. In celebamask-mini, a mirrored
 * mask has an advantage of 0.13 over the right one in 0.5 % of the pairs; the median disadvantage is 0.23.
 */
const clearAdvantage = 0.2;

/** How each EXIF orientation turns what is stored. */
const turns: Record<number, string> = {
  2: 'mirror it horizontally',
  3: 'rotate it by 180°',
  4: 'mirror it vertically',
  5: 'mirror it horizontally and rotate it by 90° counterclockwise',
  6: 'rotate it by 90° clockwise',
  7: 'mirror it horizontally and rotate it by 90° clockwise',
  8: 'rotate it by 90° counterclockwise',
};

/** Share of the photo's colour variance that the classes explain, 0 to 1: high where the mask fits the photo. */
function explainedColor(photo: Photo, mask: LabelMap): number {
  const counts = new Float64Array(256);
  const sums = new Float64Array(256 * 3);
  let squares = 0;
  for (let row = 0; row < samples; row++) {
    const [y, maskY] = [photo.height, mask.height].map((height) => Math.floor(((row + 0.5) * height) / samples));
    for (let column = 0; column < samples; column++) {
      const [x, maskX] = [photo.width, mask.width].map((width) => Math.floor(((column + 0.5) * width) / samples));
      const id = mask.data[maskY * mask.width + maskX];
      if (id === ignoreLabel) continue;
      counts[id]++;
      for (let channel = 0; channel < 3; channel++) {
        const value = photo.data[(y * photo.width + x) * 3 + channel];
        sums[id * 3 + channel] += value;
        squares += value * value;
      }
    }
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  let [within, overall] = [squares, squares];
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    for (const [id, count] of counts.entries()) {
      if (count > 0) within -= sums[id * 3 + channel] ** 2 / count;
      sum += sums[id * 3 + channel];
    }
    overall -= sum ** 2 / total;
  }
  return overall > 0 ? 1 - within / overall : 0;
}

/** Upper and lower parts, the pair that shows best which way is up first. */
const upperAndLower: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ['l_eye', 'r_eye', 'l_brow', 'r_brow', 'eye_g', 'eyes', 'brows', 'glasses'],
    ['mouth', 'u_lip', 'l_lip'],
  ],
  [
    ['hair', 'hat'],
    ['neck', 'cloth'],
  ],
];

/** Whether upper parts are above the lower ones, within 45°; undefined if the mask lacks one of them. */
function isUpright({ width, height, data }: LabelMap, set: LabelSet): boolean | undefined {
  for (const groups of upperAndLower) {
    const [upper, lower] = groups.map((names) => {
      const wanted = new Set(set.classes.filter(({ name }) => names.includes(name)).map(({ id }) => id));
      let [count, x, y] = [0, 0, 0];
      for (let i = 0; i < data.length; i++) {
        if (!wanted.has(data[i])) continue;
        count++;
        x += i % width;
        y += Math.floor(i / width);
      }
      return { count, x: x / count / width, y: y / count / height };
    });
    if (upper.count > 0 && lower.count > 0) return lower.y - upper.y > Math.abs(lower.x - upper.x);
  }
  return undefined;
}

/** Whether the mask fits the photo as it is stored, not as EXIF turns it; both have the same upright size. */
function fitsStoredPhoto(photo: Photo, mask: LabelMap, orientation: number, set: LabelSet): boolean {
  const turned = turnUpright(mask, orientation);
  const advantage = explainedColor(photo, turned) - explainedColor(photo, mask);
  const [asIs, after] = [isUpright(mask, set), isUpright(turned, set)];
  // A mirrored mask is as upright as the original, so that only the colours tell.
  if (asIs === undefined || asIs === after) return advantage > clearAdvantage;
  return after === true && advantage > 0;
}

function orientationProblem(orientation: number): FitProblem {
  return {
    kind: 'exif-orientation',
    message: `does not fit its photo: the photo has EXIF orientation ${orientation}, and the mask was made without it`,
    remedy: `turn the mask as EXIF turns the photo: ${turns[orientation]}`,
  };
}

/**
 * Compares a mask with its upright photo: different sizes, or a mask made for the stored pixels of a photo that EXIF turns.
 *
 * If EXIF exchanges width and height, the sizes tell. Otherwise, the mask must be lying or upside down with its eyes and mouth,
 * upright after the turn, and then match the colours of the photo better.
 *
 * @param orientation EXIF orientation of the photo, 1 to 8
 */
export function findFitProblem(
  photo: Photo,
  mask: LabelMap,
  orientation: number,
  set: LabelSet,
): FitProblem | undefined {
  const sideways = photo.width === mask.height && photo.height === mask.width;
  const sameSize = photo.width === mask.width && photo.height === mask.height;
  if (sameSize) {
    const turnsInPlace = orientation > 1 && (orientation < 5 || sideways);
    return turnsInPlace && fitsStoredPhoto(photo, mask, orientation, set) ? orientationProblem(orientation) : undefined;
  }
  if (sideways && orientation >= 5) return orientationProblem(orientation);
  return {
    kind: 'size-mismatch',
    message: `is ${mask.width}×${mask.height}, but its photo is ${photo.width}×${photo.height}`,
    remedy: sideways
      ? 'width and height are exchanged: rotate the mask by 90° so that it fits the photo'
      : 'resize the photo to the mask, or the mask with nearest neighbour',
  };
}
