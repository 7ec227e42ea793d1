import type { FaceLandmarks, FoundFace, Point } from '../face.ts';
import type { Prediction } from './predictions.ts';

/** A prediction in the photo. */
export interface Candidate {
  readonly score: number;
  readonly centre: Point;
  /** Mean of the box's sides. */
  readonly side: number;
  /** Of the line through the eyes, in degrees. */
  readonly angle: number;
  readonly landmarks: FaceLandmarks;
}

/** Maps a prediction to the photo. */
export function candidateOf(
  { score, values }: Prediction,
  scale: number,
  place: (x: number, y: number) => Point,
): Candidate {
  const point = (index: number) => place(values[4 + 2 * index], values[5 + 2 * index]);
  const [rightEye, leftEye, nose, mouth, rightEar, leftEar] = [0, 1, 2, 3, 4, 5].map(point) as Six;
  return {
    score,
    centre: place(values[0], values[1]),
    side: ((values[2] + values[3]) / 2) * scale,
    angle: degrees(leftEye.x - rightEye.x, leftEye.y - rightEye.y),
    landmarks: { rightEye, leftEye, nose, mouth, rightEar, leftEar },
  };
}

type Six = [Point, Point, Point, Point, Point, Point];

/** The face of a refined candidate. */
export function faceOf({ score, centre, side, angle, landmarks }: Candidate): FoundFace {
  const box = { x: centre.x - side / 2, y: centre.y - side / 2, width: side, height: side };
  return { box, angle, confidence: score, landmarks };
}

/** The angle of a vector in degrees, clockwise in a picture. */
function degrees(x: number, y: number): number {
  return (Math.atan2(y, x) * 180) / Math.PI;
}

/** The difference of two angles in degrees, from -180 to 180. */
export function turnBetween(from: number, to: number): number {
  return ((((to - from + 180) % 360) + 360) % 360) - 180;
}

/** Keeps the best of candidates whose boxes overlap. */
export function distinct(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.score - a.score)) {
    const same = kept.some(
      ({ centre, side }) =>
        Math.hypot(centre.x - candidate.centre.x, centre.y - candidate.centre.y) < Math.max(side, candidate.side) / 2,
    );
    if (!same) kept.push(candidate);
  }
  return kept;
}
