import { type Affine, type Boxes, boxesAround, type ColorTransform, drawBoxesSteps } from '../../image/draw-boxes.ts';
import type { LabelMap, Photo } from '../../image/image.ts';
import { runSteps } from '../../scheduling/steps.ts';

/** A geometric transform: rotation and scaling about the centre, shift, then flip. */
export interface Warp {
  /** Degrees; positive rotates the image clockwise. */
  readonly rotation: number;
  /** Above 1 enlarges the face. */
  readonly scale: number;
  /** Fraction of the width; positive moves the image right (before a flip). */
  readonly shiftX: number;
  /** Fraction of the height; positive moves the image down. */
  readonly shiftY: number;
  readonly mirrored: boolean;
}

/** The boxes of a warp that resizes a photo to a square. */
export function boxesOf(warp: Warp, width: number, height: number, size: number): Boxes {
  return boxesAround(outputToSource(warp, width, height, size));
}

/** `drawBoxes` of a warped photo. Without a warp the result is `resizePhoto` before rounding. A photo that is not square is stretched. */
export function warpPhoto(
  photo: Photo,
  warp: Warp,
  color: ColorTransform,
  size: number,
  out: Float32Array,
  offset: number,
): void {
  const boxes = boxesOf(warp, photo.width, photo.height, size);
  runSteps(drawBoxesSteps(photo, boxes, color, { size, mirrored: warp.mirrored, out, offset }));
}

/** Maps the centres of output pixels to source positions whose integer part is the pixel hit. */
export function placesOf(warp: Warp, width: number, height: number, size: number): Affine {
  const centre = outputToSource(warp, width, height, size);
  // Half a pixel turns rounding into truncation; the rest rounds ties upwards despite rounding noise, as resizeLabels does.
  const half = 0.5 + 1e-6;
  return { ...centre, cx: centre.cx + half, cy: centre.cy + half };
}

/**
 * Draws a label map under the same warp, nearest neighbour, at its own size (size×size).
 *
 * @param relabel 256 entries that map ids, such as a mirror table
 * @param outside the label of pixels whose centre is outside the source
 */
export function warpLabels(
  map: LabelMap,
  warp: Warp,
  relabel: Uint8Array,
  outside: number,
  size: number,
  out: Int32Array | Uint8Array,
  offset: number,
): void {
  const { width, height, data } = map;
  const { ax, bx, cx, ay, by, cy } = placesOf(warp, width, height, size);
  const towards = warp.mirrored ? -1 : 1;
  for (let v = 0; v < size; v++) {
    let to = offset + v * size + (warp.mirrored ? size - 1 : 0);
    for (let u = 0; u < size; u++) {
      const x = Math.floor(ax * u + bx * v + cx);
      const y = Math.floor(ay * u + by * v + cy);
      out[to] = x >= 0 && x < width && y >= 0 && y < height ? relabel[data[y * width + x]] : outside;
      to += towards;
    }
  }
}

/**
 * The inverse of rotation, scale and shift, between pixel centres; both images span the unit square.
 * It does not include the flip, which reverses the output rows and is therefore exact at any size.
 */
function outputToSource(warp: Warp, width: number, height: number, size: number): Affine {
  const radians = (warp.rotation * Math.PI) / 180;
  const cos = Math.cos(radians) / warp.scale;
  const sin = Math.sin(radians) / warp.scale;
  const u0 = 0.5 / size - 0.5 - warp.shiftX;
  const v0 = 0.5 / size - 0.5 - warp.shiftY;
  return {
    ax: (width * cos) / size,
    bx: (width * sin) / size,
    cx: width * (cos * u0 + sin * v0 + 0.5) - 0.5,
    ay: (-height * sin) / size,
    by: (height * cos) / size,
    cy: height * (-sin * u0 + cos * v0 + 0.5) - 0.5,
  };
}
