/**
 * The exponential and the logarithm in basic arithmetic. `Math.exp` and `Math.log` differ between JavaScript engines and C++
 * libraries; these give the same bits everywhere. Relative errors are below 1e-11, so results in single precision are rounded
 * correctly but for one value in thousands.
 */

const ln2 = Math.LN2;
const log2e = Math.LOG2E;

/** Below this, an exponential is 0 in single precision. */
const lowest = -104;

/** 2^-n at n. */
const powers = new Float64Array(152).fill(1);
for (let n = 1; n < powers.length; n++) powers[n] = powers[n - 1] / 2;

/** e^x for x up to 0; numbers below -104 count as -104. */
export function exponential(x: number): number {
  const bounded = Math.max(x, lowest);
  const power = (bounded * log2e - 0.5) | 0;
  const r = bounded - power * ln2;
  // Taylor's series, for |r| up to ln 2 / 2.
  let sum = 1 / 40320 + r * (1 / 362880);
  sum = 1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * sum));
  sum = 1 / 2 + r * (1 / 6 + r * (1 / 24 + r * sum));
  sum = 1 + r * (1 + r * sum);
  return sum * powers[-power];
}

/**
 * Replaces values by their logarithms.
 *
 * @param values normal numbers above 0
 */
export function takeLogarithms(values: Float32Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    // The value is m·2^power, with m between √½ and √2.
    const power = (bits[i] - 0x3f3504f3) >> 23;
    bits[i] -= power << 23;
    const m = values[i];
    const part = (m - 1) / (m + 1);
    const square = part * part;
    let sum = 1 / 9 + square * (1 / 11 + square * (1 / 13));
    sum = 1 / 3 + square * (1 / 5 + square * (1 / 7 + square * sum));
    values[i] = power * ln2 + 2 * part * (1 + square * sum);
  }
}
