import type { LabelMap, Photo } from '../image/image.ts';
import { ignoreLabel } from '../labels/label-set.ts';

/** Dark and saturated: it stands out from pale grey for all kinds of colour vision. */
export const errorColor = [208, 16, 48] as const;
const hatchColor = [96, 104, 120] as const;

/**
 * The photo in pale grey with the wrong pixels of a prediction in red. Pixels that the truth ignores (255) are hatched. All three
 * have the same H×W.
 *
 * @throws RangeError if the sizes differ
 */
export function errorImage(photo: Photo, truth: LabelMap, prediction: LabelMap): Photo {
  const { width, height } = photo;
  for (const map of [truth, prediction]) {
    if (map.width === width && map.height === height && map.data.length === width * height) continue;
    throw new RangeError(`the photo is ${width}×${height}, but a label map is ${map.width}×${map.height}`);
  }
  const data = new Uint8Array(width * height * 3);
  // About forty stripes over the image, at any size.
  const stripe = Math.max(2, Math.round(Math.max(width, height) / 80));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const isIgnored = truth.data[at] === ignoreLabel;
      const isWrong = !isIgnored && truth.data[at] !== prediction.data[at];
      const place = at * 3;
      if (isWrong || (isIgnored && Math.floor((x + y) / stripe) % 2 === 0)) {
        [data[place], data[place + 1], data[place + 2]] = isWrong ? errorColor : hatchColor;
        continue;
      }
      const grey = 0.299 * photo.data[place] + 0.587 * photo.data[place + 1] + 0.114 * photo.data[place + 2];
      const pale = Math.round(150 + grey * 0.4);
      data[place] = pale;
      data[place + 1] = pale;
      data[place + 2] = pale;
    }
  }
  return { width, height, data };
}
