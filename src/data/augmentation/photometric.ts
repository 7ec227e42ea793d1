import type { ColorMatrix } from '../../image/draw-boxes.ts';
import type { Random } from '../../random/random.ts';

/** ITU-R BT.601 luma. */
const luma = [0.299, 0.587, 0.114] as const;

/**
 * Combines saturation, contrast about mid-grey (127.5) and brightness into one matrix on values of 0–255; a factor of 1 has
 * no effect.
 *
 * @returns 3 rows of 4 numbers, or undefined if all factors are 1
 */
export function colorMatrix(brightness: number, contrast: number, saturation: number): ColorMatrix | undefined {
  if (brightness === 1 && contrast === 1 && saturation === 1) return undefined;
  const matrix: number[] = [];
  for (let out = 0; out < 3; out++) {
    for (let channel = 0; channel < 3; channel++) {
      const saturated = (channel === out ? saturation : 0) + (1 - saturation) * luma[channel];
      matrix.push(brightness * contrast * saturated);
    }
    matrix.push(brightness * (1 - contrast) * 127.5);
  }
  return matrix;
}

/** Scratch for one plane, kept between calls to avoid an allocation per photo. */
let scratch = new Float32Array(0);

/** Returns the centre and one side of a Gaussian of radius ⌈3 sigma⌉; the whole kernel sums to 1. */
export function gaussian(sigma: number): Float64Array {
  const radius = Math.max(1, Math.ceil(3 * sigma));
  const kernel = new Float64Array(radius + 1);
  let total = 0;
  for (let i = 0; i <= radius; i++) {
    kernel[i] = Math.exp((-i * i) / (2 * sigma * sigma));
    total += i === 0 ? kernel[i] : 2 * kernel[i];
  }
  for (let i = 0; i <= radius; i++) kernel[i] /= total;
  return kernel;
}

/**
 * Blurs three size×size planes in place with a separable Gaussian of radius ⌈3 sigma⌉; borders are repeated.
 *
 * The order of the sums (along rows, then columns, each from the centre outwards) is part of the definition: the native
 * version is bit-identical.
 */
export function blurPlanes(planes: Float32Array, offset: number, size: number, sigma: number): void {
  const kernel = gaussian(sigma);
  const plane = size * size;
  if (scratch.length < plane) scratch = new Float32Array(plane);
  for (let channel = 0; channel < 3; channel++) {
    const start = offset + channel * plane;
    blurAxis(planes, start, scratch, 0, size, 1, size, kernel);
    blurAxis(scratch, 0, planes, start, size, size, 1, kernel);
  }
}

/** Convolves every line of a plane; `along` is the distance between neighbours in a line, `across` the distance between lines. */
function blurAxis(
  from: Float32Array,
  fromStart: number,
  to: Float32Array,
  toStart: number,
  size: number,
  along: number,
  across: number,
  kernel: Float64Array,
): void {
  const last = size - 1;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      // The inner loop runs along rows in memory for either direction.
      const position = along === 1 ? j : i;
      const line = (along === 1 ? i : j) * across;
      let sum = kernel[0] * from[fromStart + line + position * along];
      for (let k = 1; k < kernel.length; k++) {
        const before = Math.max(0, position - k);
        const after = Math.min(last, position + k);
        sum += kernel[k] * (from[fromStart + line + before * along] + from[fromStart + line + after * along]);
      }
      to[toStart + line + position * along] = sum;
    }
  }
}

/**
 * Adds approximately normal noise: the sum of four random bytes (Irwin–Hall), one draw per value, about ten times as fast
 * as Box–Muller.
 *
 * @param sigmas standard deviation for each of the three planes
 */
export function addNoise(
  planes: Float32Array,
  offset: number,
  size: number,
  sigmas: readonly [number, number, number],
  random: Random,
): void {
  const plane = size * size;
  const factors = noiseFactors(sigmas);
  for (let channel = 0; channel < 3; channel++) {
    const factor = factors[channel];
    const start = offset + channel * plane;
    for (let i = start; i < start + plane; i++) {
      const bits = random.next();
      const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
      planes[i] += (sum - 510) * factor;
    }
  }
}

/** Factors that scale the centred sum of four random bytes to these standard deviations. */
export function noiseFactors(sigmas: readonly [number, number, number]): readonly [number, number, number] {
  // The variance of a uniform byte is (256² − 1) / 12.
  const deviation = Math.sqrt((4 * (256 * 256 - 1)) / 12);
  return [sigmas[0] / deviation, sigmas[1] / deviation, sigmas[2] / deviation];
}
