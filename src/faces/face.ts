import type { Photo } from '../image/image.ts';
import type { Box } from '../image/letterbox.ts';

/** A point in pixels from the upper left corner of a photo; the centre of the first pixel is at 0.5. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Places in a face. Left and right are the person's: in an upright photo, the left eye has the larger x. */
export interface FaceLandmarks {
  readonly rightEye: Point;
  readonly leftEye: Point;
  readonly nose: Point;
  /** The middle of the mouth. */
  readonly mouth: Point;
  readonly rightEar: Point;
  readonly leftEar: Point;
}

/** Landmarks whose points have all been moved in the same way. */
export function mapLandmarks(
  { rightEye, leftEye, nose, mouth, rightEar, leftEar }: FaceLandmarks,
  move: (point: Point) => Point,
): FaceLandmarks {
  return {
    rightEye: move(rightEye),
    leftEye: move(leftEye),
    nose: move(nose),
    mouth: move(mouth),
    rightEar: move(rightEar),
    leftEar: move(leftEar),
  };
}

/** A face that a detector found, in pixels of the photo. */
export interface FoundFace {
  /** From the forehead to the chin, without the hair. Parts may lie outside of the photo. */
  readonly box: Box;
  /** Degrees from -180 to 180 by which the head is turned clockwise; 0 is upright. */
  readonly angle: number;
  /** 0 to 1. */
  readonly confidence: number;
  readonly landmarks: FaceLandmarks;
}

/** What a parser asks of a detector. */
export interface FindOptions {
  /** Minimum confidence from 0 to 1; default: what the detector finds right. A detector without one may ignore it. */
  readonly minConfidence?: number;
  readonly signal?: AbortSignal;
}

/** Finds faces in photos: `FaceDetector`, or one of your own, such as that of a phone. */
export interface FaceFinder {
  /** The faces of a photo, the most prominent first; empty if there are none. */
  detect(photo: Photo, options?: FindOptions): Promise<readonly FoundFace[]>;
}
