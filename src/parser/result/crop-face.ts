import { boxesOfFraming } from '../../faces/framing.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { plainPhotoKernels } from '../../image/photo-kernels.ts';
import { runInSlices } from '../../scheduling/steps.ts';
import { FaceparseError } from '../../text/errors.ts';
import { upsampledArgmaxSteps } from '../grid/argmax.ts';
import type { ParsedFace } from './parsed-face.ts';

/** Longest side of a crop in pixels by default, that of CelebA-HQ. */
const largestCrop = 1024;

/** Longest side of a crop that may be asked for. */
const largestSide = 4096;

/** Bytes become floats unchanged. */
const asItIs = { gain: [1, 1, 1], bias: [0, 0, 0] } as const;

/** A face by itself, upright and square, with its labels at the same size. */
export interface FaceCrop {
  readonly photo: Photo;
  readonly labels: LabelMap;
}

/**
 * Cuts a face out of its photo in the framing of CelebA-HQ, with its labels: a pair as in a data set.
 *
 * @param photo the photo that was parsed, at the size of its labels
 * @param options `size` of the crop in pixels; default: that of the face in the photo, at most 1024
 * @throws FaceparseError (exit code 2) if the size is not an integer from 1 to 4096
 * @example
 * const { faces } = await parser.parse(photo);
 * const { photo: portrait, labels } = await cropFace(photo, faces[0], { size: 512 });
 */
export async function cropFace(
  photo: Photo,
  { framing, scores }: Pick<ParsedFace, 'framing' | 'scores'>,
  options: { readonly size?: number } = {},
): Promise<FaceCrop> {
  const { size = Math.min(largestCrop, Math.max(1, Math.round(framing.side))) } = options;
  if (!(Number.isInteger(size) && size >= 1 && size <= largestSide)) {
    throw new FaceparseError(`the size of the crop is ${size}, but must be an integer from 1 to ${largestSide}`, {
      exitCode: 2,
    });
  }
  const planes = await plainPhotoKernels.drawBoxes(photo, boxesOfFraming(framing, size), asItIs, size);
  const plane = size * size;
  const data = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = planes[c * plane + i] + 0.5;
  const labels = await runInSlices(upsampledArgmaxSteps(scores, size, size));
  return {
    photo: { width: size, height: size, data },
    labels: { width: size, height: size, data: labels.data },
  };
}
