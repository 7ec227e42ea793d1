import type { FaceLandmarks, FoundFace, Point } from '../face.ts';
import { framingOf, wrapAngle } from '../framing.ts';
import type { Prediction } from './predictions.ts';

/** A prediction in the photo. */
export interface Candidate {
  /** From 0 to 1. */
  readonly score: number;
  /** Of the box. */
  readonly centre: Point;
  /** Mean of the box's sides. */
  readonly side: number;
  /** Of the framing, in degrees, clockwise. */
  readonly angle: number;
  readonly landmarks: FaceLandmarks;
}

type Six = [Point, Point, Point, Point, Point, Point];

/**
 * Maps a prediction to the photo.
 *
 * @param scale pixels of the photo per pixel of the input
 * @param place maps a point of the input to the photo
 */
export function candidateOf(
  { score, values }: Prediction,
  scale: number,
  place: (x: number, y: number) => Point,
): Candidate {
  const point = (index: number) => place(values[4 + 2 * index], values[5 + 2 * index]);
  const [rightEye, leftEye, nose, mouth, rightEar, leftEar] = [0, 1, 2, 3, 4, 5].map(point) as Six;
  const landmarks = { rightEye, leftEye, nose, mouth, rightEar, leftEar };
  return {
    score,
    centre: place(values[0], values[1]),
    side: ((values[2] + values[3]) / 2) * scale,
    angle: framingOf(landmarks).angle,
    landmarks,
  };
}

/** Whether two candidates are on the same face. */
export function isSameFace(a: Candidate, b: Candidate): boolean {
  return Math.hypot(a.centre.x - b.centre.x, a.centre.y - b.centre.y) < Math.max(a.side, b.side) / 2;
}

/** The face of a candidate. */
export function faceOf({ score, centre, side, angle, landmarks }: Candidate): FoundFace {
  const box = { x: centre.x - side / 2, y: centre.y - side / 2, width: side, height: side };
  return { box, angle, confidence: score, landmarks };
}

/** The turn from one angle to another in degrees, from -180 to below 180. */
export function turnBetween(from: number, to: number): number {
  return wrapAngle(to - from);
}
