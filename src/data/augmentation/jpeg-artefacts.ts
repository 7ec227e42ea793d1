import type { Normalization } from '../../image/normalization.ts';

/** Side of JPEG's blocks. */
const side = 8;

/** Quantisation steps for the luma at quality 50, by rows (ITU-T T.81, table K.1). */
// biome-ignore format: a table of 8×8 numbers
const lumaSteps = [
  16, 11, 10, 16, 24, 40, 51, 61,
  12, 12, 14, 19, 26, 58, 60, 55,
  14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77,
  24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

/** The same for the chroma (table K.2). */
// biome-ignore format: a table of 8×8 numbers
const chromaSteps = [
  17, 18, 24, 47, 99, 99, 99, 99,
  18, 21, 26, 66, 99, 99, 99, 99,
  24, 26, 56, 99, 99, 99, 99, 99,
  47, 66, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
];

/** `cosines[k]` is ½·cos(kπ/16), the factors of the orthonormal transform of 8 values. */
const cosines = Array.from({ length: side }, (_, k) => Math.cos((k * Math.PI) / 16) / 2);
const [, c1, c2, c3, c4, c5, c6, c7] = cosines;

/** Blocks of luma and both chromas, kept between calls. */
const block = [new Float64Array(64), new Float64Array(64), new Float64Array(64)] as const;
const steps = [new Float64Array(64), new Float64Array(64)] as const;

/**
 * Scales quantisation steps to a quality as libjpeg does: 50 leaves them unchanged, 100 makes all of them 1.
 *
 * @param quality 1 to 100
 */
function scaleSteps(table: readonly number[], quality: number, out: Float64Array): void {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  for (let i = 0; i < 64; i++) out[i] = Math.min(255, Math.max(1, Math.floor((table[i] * percent + 50) / 100)));
}

/** Computes the orthonormal discrete cosine transform (DCT-II) of 8 values in place; `step` is the distance between neighbours. */
function transform(values: Float64Array, start: number, step: number): void {
  const p1 = start + step;
  const p2 = start + 2 * step;
  const p3 = start + 3 * step;
  const p4 = start + 4 * step;
  const p5 = start + 5 * step;
  const p6 = start + 6 * step;
  const p7 = start + 7 * step;
  const s0 = values[start] + values[p7];
  const s1 = values[p1] + values[p6];
  const s2 = values[p2] + values[p5];
  const s3 = values[p3] + values[p4];
  const d0 = values[start] - values[p7];
  const d1 = values[p1] - values[p6];
  const d2 = values[p2] - values[p5];
  const d3 = values[p3] - values[p4];
  values[start] = c4 * (s0 + s1 + s2 + s3);
  values[p4] = c4 * (s0 - s1 - s2 + s3);
  values[p2] = c2 * (s0 - s3) + c6 * (s1 - s2);
  values[p6] = c6 * (s0 - s3) - c2 * (s1 - s2);
  values[p1] = c1 * d0 + c3 * d1 + c5 * d2 + c7 * d3;
  values[p3] = c3 * d0 - c7 * d1 - c1 * d2 - c5 * d3;
  values[p5] = c5 * d0 - c1 * d1 + c7 * d2 + c3 * d3;
  values[p7] = c7 * d0 - c5 * d1 + c3 * d2 - c1 * d3;
}

/** Inverts `transform` with its transpose. */
function invert(values: Float64Array, start: number, step: number): void {
  const p1 = start + step;
  const p2 = start + 2 * step;
  const p3 = start + 3 * step;
  const p4 = start + 4 * step;
  const p5 = start + 5 * step;
  const p6 = start + 6 * step;
  const p7 = start + 7 * step;
  const f1 = values[p1];
  const f3 = values[p3];
  const f5 = values[p5];
  const f7 = values[p7];
  const sum = c4 * (values[start] + values[p4]);
  const difference = c4 * (values[start] - values[p4]);
  const outer = c2 * values[p2] + c6 * values[p6];
  const inner = c6 * values[p2] - c2 * values[p6];
  const d0 = c1 * f1 + c3 * f3 + c5 * f5 + c7 * f7;
  const d1 = c3 * f1 - c7 * f3 - c1 * f5 - c5 * f7;
  const d2 = c5 * f1 - c1 * f3 + c7 * f5 + c3 * f7;
  const d3 = c7 * f1 - c5 * f3 + c3 * f5 - c1 * f7;
  values[start] = sum + outer + d0;
  values[p7] = sum + outer - d0;
  values[p1] = difference + inner + d1;
  values[p6] = difference + inner - d1;
  values[p2] = difference - inner + d2;
  values[p5] = difference - inner - d2;
  values[p3] = sum - outer + d3;
  values[p4] = sum - outer - d3;
}

/** Quantises a block of 8×8 values centred on 0. */
function quantize(values: Float64Array, table: Float64Array): void {
  for (let row = 0; row < 64; row += side) transform(values, row, 1);
  for (let column = 0; column < side; column++) transform(values, column, side);
  let detail = false;
  for (let i = 0; i < 64; i++) {
    const level = Math.floor(values[i] / table[i] + 0.5);
    values[i] = level * table[i];
    if (level !== 0 && i > 0) detail = true;
  }
  if (!detail) {
    values.fill(values[0] / side);
    return;
  }
  for (let column = 0; column < side; column++) invert(values, column, side);
  for (let row = 0; row < 64; row += side) invert(values, row, 1);
}

/**
 * Applies JPEG artefacts of a given quality to three size×size planes in place: blocks, ringing, colour bleeding.
 *
 * The planes are converted to YCbCr (ITU-R BT.601, full range) without chroma subsampling. Each 8×8 block passes through the
 * discrete cosine transform and the quantisation of ITU-T T.81 (annex K tables) and back, without rounding to integers.
 * Blocks that cross the border repeat it. Values are clamped to the range of a photo.
 *
 * @param planes red, green and blue as `(value / 255 − mean) / std`, from `offset` on
 * @param quality 1 to 100, the usual JPEG quality
 *
 * @example jpegPlanes(images, 0, 256, 30, normalization)
 */
export function jpegPlanes(
  planes: Float32Array,
  offset: number,
  size: number,
  quality: number,
  { mean, std }: Normalization,
): void {
  scaleSteps(lumaSteps, quality, steps[0]);
  scaleSteps(chromaSteps, quality, steps[1]);
  const plane = size * size;
  const gain = std.map((value) => 255 * value);
  const bias = mean.map((value) => 255 * value);
  const [lumas, blues, reds] = block;
  for (let top = 0; top < size; top += side) {
    for (let left = 0; left < size; left += side) {
      for (let i = 0; i < 64; i++) {
        const y = Math.min(size - 1, top + (i >> 3));
        const at = offset + y * size + Math.min(size - 1, left + (i & 7));
        const red = planes[at] * gain[0] + bias[0];
        const green = planes[at + plane] * gain[1] + bias[1];
        const blue = planes[at + 2 * plane] * gain[2] + bias[2];
        const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        lumas[i] = luma - 128;
        blues[i] = (blue - luma) * (1 / 1.772);
        reds[i] = (red - luma) * (1 / 1.402);
      }
      quantize(lumas, steps[0]);
      quantize(blues, steps[1]);
      quantize(reds, steps[1]);
      const bottom = Math.min(side, size - top);
      const right = Math.min(side, size - left);
      for (let y = 0; y < bottom; y++) {
        for (let x = 0; x < right; x++) {
          const i = y * side + x;
          const at = offset + (top + y) * size + left + x;
          const luma = lumas[i] + 128;
          const red = luma + 1.402 * reds[i];
          const blue = luma + 1.772 * blues[i];
          const green = (luma - 0.299 * red - 0.114 * blue) * (1 / 0.587);
          planes[at] = (clamp(red) - bias[0]) / gain[0];
          planes[at + plane] = (clamp(green) - bias[1]) / gain[1];
          planes[at + 2 * plane] = (clamp(blue) - bias[2]) / gain[2];
        }
      }
    }
  }
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, value));
}
