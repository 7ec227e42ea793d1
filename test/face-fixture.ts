import { type FaceFinder, type FaceLandmarks, type FoundFace, mapLandmarks, type Point } from '../src/faces/face.ts';
import { axesOf, type Framing, framingOf } from '../src/faces/framing.ts';

/** Landmarks of an upright face whose eyes are 1 apart, about as a detector finds them. */
const model: FaceLandmarks = {
  rightEye: { x: -0.5, y: 0 },
  leftEye: { x: 0.5, y: 0 },
  nose: { x: 0, y: 0.6 },
  mouth: { x: 0, y: 1.1 },
  rightEar: { x: -1.1, y: 0.2 },
  leftEar: { x: 1.1, y: 0.2 },
};

/** Landmarks of a face whose framing is the given one. */
export function landmarksAt({ x, y, side, angle }: Framing): FaceLandmarks {
  const own = framingOf(model);
  const { right, down } = axesOf({ x, y, side, angle: angle - own.angle });
  const scale = side / own.side;
  const place = (point: Point): Point => {
    const [u, v] = [(point.x - own.x) * scale, (point.y - own.y) * scale];
    return { x: x + u * right.x + v * down.x, y: y + u * right.y + v * down.y };
  };
  return mapLandmarks(model, place);
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
