import type { FaceLandmarks, Point } from './face.ts';
import type { Square } from './square-crop.ts';

/** A complex factor of each landmark. */
type Factors = Readonly<Record<keyof FaceLandmarks, readonly [real: number, imaginary: number]>>;

/**
 * The centre of the framing as a weighted mean of the landmarks, and its axis to the right, as long as its side, as a
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
 * The square around a face that has the framing of CelebA-HQ, upright for the face.
 *
 * @example drawSquareSteps(photo, framingOf(face.landmarks), color, 256, input)
 */
export function framingOf(landmarks: FaceLandmarks): Square {
  const axis = weighted(landmarks, axisFactors);
  return {
    centre: weighted(landmarks, centreFactors),
    side: Math.hypot(axis.x, axis.y),
    angle: (Math.atan2(axis.y, axis.x) * 180) / Math.PI,
  };
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
