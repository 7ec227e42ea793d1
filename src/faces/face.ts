import type { Box } from '../image/letterbox.ts';

/** A point of a photo in pixels from its upper left corner; the middle of the first pixel is (0.5, 0.5). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The landmarks of a face. Right and left are the person's: in an upright photo that is not mirrored, `leftEye` has the larger x. */
export interface FaceLandmarks {
  readonly rightEye: Point;
  readonly leftEye: Point;
  readonly nose: Point;
  /** The middle of the mouth. */
  readonly mouth: Point;
  readonly rightEar: Point;
  readonly leftEar: Point;
}

/** A face found in a photo. */
export interface FoundFace {
  /** The face from forehead to chin in pixels of the photo, parallel to its axes. It may extend beyond the photo. */
  readonly box: Box;
  /** Degrees from -180 to 180; 0 is upright, positive is turned clockwise. */
  readonly angle: number;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly landmarks: FaceLandmarks;
}
