import type { Steps } from '../scheduling/steps.ts';
import type { Photo } from './image.ts';

/** Maps an output pixel to its source position: `x = ax·u + bx·v + cx`, `y = ay·u + by·v + cy`, u and v counted in output pixels, x and y in source pixels. */
export interface Affine {
  readonly ax: number;
  readonly bx: number;
  readonly cx: number;
  readonly ay: number;
  readonly by: number;
  readonly cy: number;
}

/** Rows of 3 + 1: `out_c = m[4c]·R + m[4c+1]·G + m[4c+2]·B + m[4c+3]` on values of 0–255. */
export type ColorMatrix = readonly number[];

/** Conversion of a photo's values to network inputs: an optional colour matrix, clamped to 0–255, then `v · gain + bias`. */
export interface ColorTransform {
  readonly matrix?: ColorMatrix;
  readonly gain: readonly [number, number, number];
  readonly bias: readonly [number, number, number];
}

/** The source boxes, measured from pixel edges, over which `drawBoxes` averages for each output pixel. */
export interface Boxes {
  /** The upper left corners. */
  readonly corner: Affine;
  readonly width: number;
  readonly height: number;
}

/** Returns boxes around positions between pixel centres: one output pixel wide, but at least one source pixel. */
export function boxesAround(centre: Affine): Boxes {
  const width = Math.max(1, Math.hypot(centre.ax, centre.bx));
  const height = Math.max(1, Math.hypot(centre.ay, centre.by));
  const corner = { ...centre, cx: centre.cx + 0.5 - width / 2, cy: centre.cy + 0.5 - height / 2 };
  return { corner, width, height };
}

/** Where `drawBoxes` writes: 3×size×size floats from `offset`, each row from right to left if mirrored. */
export interface DrawTarget {
  readonly size: number;
  readonly mirrored: boolean;
  readonly out: Float32Array;
  readonly offset: number;
}

/**
 * Draws a part of a photo, turned and resized, into planar floats (3×size×size), in steps of one row.
 *
 * Every output pixel is the mean of a box around its source position, one output pixel wide but at least one source pixel,
 * with fractional pixel areas. A box of one pixel is bilinear interpolation. Outside the photo the border is repeated.
 *
 * The order of the sums (along rows, then over them) is part of the definition: the native version is bit-identical.
 */
export function* drawBoxesSteps(
  photo: Photo,
  boxes: Boxes,
  color: ColorTransform,
  { size, mirrored, out, offset }: DrawTarget,
): Steps<void> {
  const { width, height, data } = photo;
  const { width: boxWidth, height: boxHeight } = boxes;
  const { ax, bx, cx, ay, by, cy } = boxes.corner;
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = color.matrix ?? [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  const recolored = color.matrix !== undefined;
  const [gainRed, gainGreen, gainBlue] = color.gain;
  const [biasRed, biasGreen, biasBlue] = color.bias;
  const pitch = width * 3;
  const plane = size * size;
  const towards = mirrored ? -1 : 1;
  const mean = 1 / (boxWidth * boxHeight);

  for (let v = 0; v < size; v++) {
    let to = offset + v * size + (mirrored ? size - 1 : 0);
    for (let u = 0; u < size; u++) {
      const begin = ax * u + bx * v + cx;
      const top = ay * u + by * v + cy;
      const end = begin + boxWidth;
      const bottom = top + boxHeight;
      let red = 0;
      let green = 0;
      let blue = 0;
      if (begin >= 0 && top >= 0 && end <= width && bottom <= height) {
        const first = begin | 0;
        const last = Math.ceil(end) - 1;
        const lastRow = Math.ceil(bottom) - 1;
        const firstWeight = Math.min(end, first + 1) - begin;
        const lastWeight = first === last ? 0 : end - last;
        for (let y = top | 0; y <= lastRow; y++) {
          const weight = Math.min(bottom, y + 1) - Math.max(top, y);
          let at = y * pitch + first * 3;
          const stop = y * pitch + last * 3;
          let r = firstWeight * data[at];
          let g = firstWeight * data[at + 1];
          let b = firstWeight * data[at + 2];
          for (at += 3; at < stop; at += 3) {
            r += data[at];
            g += data[at + 1];
            b += data[at + 2];
          }
          r += lastWeight * data[stop];
          g += lastWeight * data[stop + 1];
          b += lastWeight * data[stop + 2];
          red += weight * r;
          green += weight * g;
          blue += weight * b;
        }
      } else {
        boxSum(photo, begin, end, top, bottom);
        red = sums[0];
        green = sums[1];
        blue = sums[2];
      }
      red *= mean;
      green *= mean;
      blue *= mean;
      if (recolored) {
        const r = m0 * red + m1 * green + m2 * blue + m3;
        const g = m4 * red + m5 * green + m6 * blue + m7;
        const b = m8 * red + m9 * green + m10 * blue + m11;
        red = Math.min(255, Math.max(0, r));
        green = Math.min(255, Math.max(0, g));
        blue = Math.min(255, Math.max(0, b));
      }
      out[to] = red * gainRed + biasRed;
      out[to + plane] = green * gainGreen + biasGreen;
      out[to + 2 * plane] = blue * gainBlue + biasBlue;
      to += towards;
    }
    yield;
  }
}

const sums = new Float64Array(3);

/** Computes the weighted sum over a box that extends beyond the photo, with its border repeated; writes to `sums`. */
function boxSum(photo: Photo, begin: number, end: number, top: number, bottom: number): void {
  const { width, height, data } = photo;
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let y = Math.floor(top); y < bottom; y++) {
    const row = Math.min(height - 1, Math.max(0, y)) * width;
    const rowWeight = Math.min(bottom, y + 1) - Math.max(top, y);
    let r = 0;
    let g = 0;
    let b = 0;
    for (let x = Math.floor(begin); x < end; x++) {
      const weight = Math.min(end, x + 1) - Math.max(begin, x);
      const at = (row + Math.min(width - 1, Math.max(0, x))) * 3;
      r += weight * data[at];
      g += weight * data[at + 1];
      b += weight * data[at + 2];
    }
    red += rowWeight * r;
    green += rowWeight * g;
    blue += rowWeight * b;
  }
  sums[0] = red;
  sums[1] = green;
  sums[2] = blue;
}
