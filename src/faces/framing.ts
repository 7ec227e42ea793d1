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

/**
 * The framing of CelebA-HQ, which the networks of faceparse are trained on: upright, with the eyes just above the middle. The
 * side is four times the distance of the eyes, or 3.6 times that of the eyes from the mouth if it is longer, as in profiles.
 *
 * Source: Karras et al., "Progressive Growing of GANs" (2018), appendix C.
 *
 * @example const { x, y, side, angle } = framingOf(face.landmarks);
 */
export function framingOf({ rightEye, leftEye, mouth }: FaceLandmarks): Framing {
  const eyes = { x: (rightEye.x + leftEye.x) / 2, y: (rightEye.y + leftEye.y) / 2 };
  const across = { x: leftEye.x - rightEye.x, y: leftEye.y - rightEye.y };
  const up = { x: eyes.x - mouth.x, y: eyes.y - mouth.y };
  const side = Math.max(4 * Math.hypot(across.x, across.y), 3.6 * Math.hypot(up.x, up.y));
  // The line between the eyes, and the one from the mouth to the eyes turned by 90° clockwise, count according to their lengths.
  const angle = Math.atan2(across.y + up.x, across.x - up.y);
  return { x: eyes.x - 0.1 * up.x, y: eyes.y - 0.1 * up.y, side, angle: (angle * 180) / Math.PI };
}

/** How far a framing may be from the photo itself for the photo to count as framed: what networks are trained to bear. */
const tolerance = { shift: 0.1, scale: 1.3, angle: 15, aspect: 1.02 };

/** The square that a whole photo is to a network. */
export function framingOfPhoto({ width, height }: Extents): Framing {
  return { x: width / 2, y: height / 2, side: Math.sqrt(width * height), angle: 0 };
}

/** Whether a photo already shows a face in about that framing, as the photos of CelebA-HQ do. */
export function isFramed({ width, height }: Extents, { x, y, side, angle }: Framing): boolean {
  const ratio = (size: number, other: number) => Math.max(size / other, other / size);
  return (
    ratio(width, height) <= tolerance.aspect &&
    Math.abs(x - width / 2) <= tolerance.shift * width &&
    Math.abs(y - height / 2) <= tolerance.shift * height &&
    ratio(side, framingOfPhoto({ width, height }).side) <= tolerance.scale &&
    Math.abs(angle) <= tolerance.angle
  );
}

/** The directions of the sides of a framing: to the right, and down. */
export function axesOf({ angle }: Framing): { readonly right: Point; readonly down: Point } {
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { right: { x: cos, y: sin }, down: { x: -sin, y: cos } };
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
