import { type Boxes, boxesAround } from '../image/draw-boxes.ts';
import type { Extents } from '../image/letterbox.ts';
import type { FaceLandmarks, Point } from './face.ts';

/** A square on a photo that may be turned: what a network sees of a face. In pixels, as `Point`. */
export interface Framing {
  /** The middle of the square. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** Degrees by which the square is turned clockwise. */
  readonly angle: number;
}

/** A complex factor of each landmark. */
type Factors = Readonly<Record<keyof FaceLandmarks, readonly [real: number, imaginary: number]>>;

/**
 * The centre of a framing as a weighted mean of the landmarks, and its axis to the right, as long as its side, as a
 * weighted sum, with points as complex numbers x + iy. The first factors sum to 1, the others to 0, so the framing moves, turns
 * and grows with the face; pairs of right and left are conjugate, so it is mirrored with the face.
 *
 * Least squares over photos of CelebAMask-HQ (see docs/decisions/0028-the-face-detector.md).
 */
const centreFactors: Factors = {
  rightEye: [0.39, -0.002],
  leftEye: [0.39, 0.002],
  nose: [0.088, 0],
  mouth: [0.08, 0],
  rightEar: [0.026, 0.041],
  leftEar: [0.026, -0.041],
};

const axisFactors: Factors = {
  rightEye: [-0.187, 1.02],
  leftEye: [0.187, 1.02],
  nose: [0, 0.259],
  mouth: [0, -1.875],
  rightEar: [-0.91, -0.212],
  leftEar: [0.91, -0.212],
};

/**
 * The square around a face in the framing of CelebA-HQ, which the networks of faceparse are trained on: upright, with the eyes
 * just above the middle, four times as wide as their distance.
 *
 * @example const { x, y, side, angle } = framingOf(face.landmarks);
 */
export function framingOf(landmarks: FaceLandmarks): Framing {
  const axis = weighted(landmarks, axisFactors);
  return {
    ...weighted(landmarks, centreFactors),
    side: Math.max(Math.hypot(axis.x, axis.y), profileRatio * eyesToMouth(landmarks)),
    angle: (Math.atan2(axis.y, axis.x) * 180) / Math.PI,
  };
}

/**
 * Minimum side in distances of the mouth from the eyes. In profiles, whose eyes are close together, it is the longer measure, as
 * in CelebA-HQ's own rule; it is the lowest that frontal faces have.
 */
const profileRatio = 3.4;

function eyesToMouth({ rightEye, leftEye, mouth }: FaceLandmarks): number {
  return Math.hypot((rightEye.x + leftEye.x) / 2 - mouth.x, (rightEye.y + leftEye.y) / 2 - mouth.y);
}

function weighted(landmarks: FaceLandmarks, factors: Factors): Point {
  let [x, y] = [0, 0];
  for (const name of Object.keys(factors) as (keyof FaceLandmarks)[]) {
    const [real, imaginary] = factors[name];
    const point = landmarks[name];
    x += real * point.x - imaginary * point.y;
    y += imaginary * point.x + real * point.y;
  }
  return { x, y };
}

/** How far a framing may be from the photo itself for the photo to count as framed: what networks are trained to bear. */
const tolerance = { shift: 0.1, scale: 1.3, angle: 15, aspect: 1.02 };

/** The square that a whole photo is to a network. */
export function framingOfPhoto({ width, height }: Extents): Framing {
  return { x: width / 2, y: height / 2, side: Math.sqrt(width * height), angle: 0 };
}

/** Whether a photo has about the shape of a framing; others would be stretched. */
export function mayBeFramed({ width, height }: Extents): boolean {
  return Math.max(width / height, height / width) <= tolerance.aspect;
}

/** Whether a photo already shows a face in about that framing, as the photos of CelebA-HQ do. */
export function isFramed({ width, height }: Extents, { x, y, side, angle }: Framing): boolean {
  const ratio = (size: number, other: number) => Math.max(size / other, other / size);
  return (
    mayBeFramed({ width, height }) &&
    Math.abs(x - width / 2) <= tolerance.shift * width &&
    Math.abs(y - height / 2) <= tolerance.shift * height &&
    ratio(side, framingOfPhoto({ width, height }).side) <= tolerance.scale &&
    Math.abs(angle) <= tolerance.angle
  );
}

/** The same angle from -180 to 180 degrees. */
export function wrapAngle(degrees: number): number {
  return degrees - 360 * Math.round(degrees / 360);
}

/** The directions of the sides of a framing: to the right, and down. */
export function axesOf({ angle }: Framing): { readonly right: Point; readonly down: Point } {
  const [cos, sin] = directionOf(angle);
  return { right: { x: cos, y: sin }, down: { x: -sin, y: cos } };
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

/** The boxes of the pixels of a square that is drawn upright at size×size, for `drawBoxes`. */
export function boxesOfFraming(framing: Framing, size: number): Boxes {
  const { right, down } = axesOf(framing);
  const pixel = framing.side / size;
  const first = (0.5 - size / 2) * pixel;
  return boxesAround({
    ax: right.x * pixel,
    bx: down.x * pixel,
    cx: framing.x + first * (right.x + down.x) - 0.5,
    ay: right.y * pixel,
    by: down.y * pixel,
    cy: framing.y + first * (right.y + down.y) - 0.5,
  });
}

/** Maps a point of a square that is drawn at size×size to the photo. */
export function pointOfFraming(framing: Framing, size: number, { x, y }: Point): Point {
  const { right, down } = axesOf(framing);
  const [u, v] = [(x / size - 0.5) * framing.side, (y / size - 0.5) * framing.side];
  return { x: framing.x + right.x * u + down.x * v, y: framing.y + right.y * u + down.y * v };
}

/** The corners of a framing, clockwise from the upper left one of the upright face. */
export function cornersOf(framing: Framing): [Point, Point, Point, Point] {
  const { right, down } = axesOf(framing);
  const half = framing.side / 2;
  const corner = (u: number, v: number) => ({
    x: framing.x + half * (u * right.x + v * down.x),
    y: framing.y + half * (u * right.y + v * down.y),
  });
  return [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
}
