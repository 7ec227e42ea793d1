import type { FaceFinder, FaceLandmarks, FoundFace } from '../src/faces/face.ts';
import { axesOf, type Framing } from '../src/faces/framing.ts';

/** Landmarks of a face whose framing is the given one. */
export function landmarksAt(framing: Framing): FaceLandmarks {
  const { x, y, side } = framing;
  const { right, down } = axesOf(framing);
  // From the middle between the eyes, which is a tenth of the way to the mouth above the middle of the square.
  const at = (u: number, v: number) => ({
    x: x + side * (u * right.x + (v - 1 / 36) * down.x),
    y: y + side * (u * right.y + (v - 1 / 36) * down.y),
  });
  return {
    rightEye: at(-1 / 8, 0),
    leftEye: at(1 / 8, 0),
    nose: at(0, 0.15),
    mouth: at(0, 1 / 3.6),
    rightEar: at(-0.24, 0.02),
    leftEar: at(0.24, 0.02),
  };
}

/** A face with that framing. */
export function faceAt(framing: Framing, confidence = 0.9): FoundFace {
  const half = framing.side * 0.25;
  return {
    box: { x: framing.x - half, y: framing.y - half, width: 2 * half, height: 2 * half },
    angle: framing.angle,
    confidence,
    landmarks: landmarksAt(framing),
  };
}

/** A detector that finds the same faces in every photo, and counts its calls. */
export function fixedFinder(...framings: readonly Framing[]): FaceFinder & { calls: number } {
  return {
    calls: 0,
    async detect() {
      this.calls++;
      return framings.map((framing) => faceAt(framing));
    },
  };
}
