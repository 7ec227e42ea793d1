import { boxesOfFraming, type Framing } from '../../faces/framing.ts';
import type { Photo } from '../../image/image.ts';
import type { PhotoKernels } from '../../image/photo-kernels.ts';
import type { Preprocessing } from '../../image/preprocessing.ts';

/** The square of a face as a network input of 3×size×size. Outside of the photo its border is repeated, as in training. */
export function faceToInput(
  photo: Photo,
  framing: Framing,
  { size, mean, std }: Preprocessing,
  kernels: PhotoKernels,
): Promise<Float32Array> {
  const triple = (value: (channel: 0 | 1 | 2) => number) => [value(0), value(1), value(2)] as const;
  const color = { gain: triple((c) => 1 / (255 * std[c])), bias: triple((c) => -mean[c] / std[c]) };
  return kernels.drawBoxes(photo, boxesOfFraming(framing, size), color, size);
}
