import { type Boxes, type ColorTransform, drawBoxesSteps } from '../../image/draw-boxes.ts';
import type { Photo } from '../../image/image.ts';
import type { Steps } from '../../scheduling/steps.ts';
import type { Point } from '../face.ts';

/** A square in a photo, turned clockwise by an angle about its centre. */
export interface Square {
  readonly centre: Point;
  /** Pixels of the photo. */
  readonly side: number;
  /** Degrees. */
  readonly angle: number;
}

/** Draws a turned square of a photo upright, as planar floats (3×size×size), in steps of one row. Outside the photo its border is repeated. */
export function drawSquareSteps(
  photo: Photo,
  square: Square,
  color: ColorTransform,
  size: number,
  out: Float32Array,
  offset = 0,
): Steps<void> {
  return drawBoxesSteps(photo, boxesOfSquare(square, size), color, { size, mirrored: false, out, offset });
}

/** Boxes that are one pixel of the result wide, but at least one pixel of the photo. */
function boxesOfSquare({ centre, side, angle }: Square, size: number): Boxes {
  const box = Math.max(1, side / size);
  const [cos, sin] = directionOf(angle).map((value) => (value * side) / size);
  const first = (1 - size) / 2;
  const corner = {
    ax: cos,
    bx: -sin,
    cx: centre.x + (cos - sin) * first - box / 2,
    ay: sin,
    by: cos,
    cy: centre.y + (sin + cos) * first - box / 2,
  };
  return { corner, width: box, height: box };
}

/** Maps a point of a square drawn at a size to the photo. */
export function pointOfSquare({ centre, side, angle }: Square, size: number, x: number, y: number): Point {
  const [cos, sin] = directionOf(angle);
  const [across, down] = [(x / size - 0.5) * side, (y / size - 0.5) * side];
  return { x: centre.x + cos * across - sin * down, y: centre.y + sin * across + cos * down };
}

/** Cosine and sine of an angle in degrees; exact for multiples of 90. */
function directionOf(angle: number): [number, number] {
  const quarter = angle / 90;
  if (Number.isInteger(quarter)) {
    const turns = ((quarter % 4) + 4) % 4;
    return [[1, 0, -1, 0][turns], [0, 1, 0, -1][turns]];
  }
  const radians = (angle * Math.PI) / 180;
  return [Math.cos(radians), Math.sin(radians)];
}
