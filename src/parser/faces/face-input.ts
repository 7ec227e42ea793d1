import { axesOf, type Framing } from '../../faces/framing.ts';
import { boxesAround, type ColorTransform, drawBoxesSteps } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import type { Preprocessing } from '../../image/preprocessing.ts';
import type { Steps } from '../../scheduling/steps.ts';

/**
 * Draws the square of a face, upright, as 3×size×size floats. Outside of the photo its border is repeated, as in training. In
 * steps of one row.
 */
export function* drawFaceSteps(
  photo: Photo,
  framing: Framing,
  size: number,
  color: ColorTransform,
): Steps<Float32Array> {
  const { right, down } = axesOf(framing);
  const pixel = framing.side / size;
  const first = (0.5 - size / 2) * pixel;
  const boxes = boxesAround({
    ax: right.x * pixel,
    bx: down.x * pixel,
    cx: framing.x + first * (right.x + down.x) - 0.5,
    ay: right.y * pixel,
    by: down.y * pixel,
    cy: framing.y + first * (right.y + down.y) - 0.5,
  });
  const out = new Float32Array(3 * size * size);
  yield* drawBoxesSteps(photo, boxes, color, { size, mirrored: false, out, offset: 0 });
  return out;
}

/** The square of a face as a network input of 3×size×size, in steps of one row. */
export function faceToInputSteps(
  photo: Photo,
  framing: Framing,
  { size, mean, std }: Preprocessing,
): Steps<Float32Array> {
  const triple = (value: (channel: 0 | 1 | 2) => number) => [value(0), value(1), value(2)] as const;
  const color = { gain: triple((c) => 1 / (255 * std[c])), bias: triple((c) => -mean[c] / std[c]) };
  return drawFaceSteps(photo, framing, size, color);
}
