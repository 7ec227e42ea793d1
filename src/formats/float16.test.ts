import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHalf, toHalf, toHalves } from './float16.ts';

test.each([
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-2, 0xc000],
  [1 / 3, 0x3555],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e30, 0xfc00],
  [Number.POSITIVE_INFINITY, 0x7c00],
  [Number.NaN, 0x7e00],
  [2 ** -14, 0x0400],
  [2 ** -14 - 2 ** -24, 0x03ff], // the largest subnormal
  [2 ** -14 - 2 ** -26, 0x0400], // rounds up into the normals
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000], // a tie, to even
  [2 ** -25 * 1.0001, 0x0001],
  [3 * 2 ** -25, 0x0002], // a tie, to even
  [1 + 2 ** -11, 0x3c00], // a tie, to even
  [1 + 3 * 2 ** -11, 0x3c02], // a tie, to even
  [2 - 2 ** -12, 0x4000], // the fraction carries into the exponent
  [2 - 2 ** -52, 0x4000],
  [1 + 2 ** -11 + 2 ** -40, 0x3c01], // a double just past the tie, which float32 would not see
])('toHalf(%d)', (value, bits) => {
  expect(toHalf(value)).toBe(bits);
});

test('every half survives the way to a number and back', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = fromHalf(bits);
    const isNaNBits = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
    const returned = toHalf(value) === (isNaNBits ? 0x7e00 : bits);
    if (Number.isNaN(value) !== isNaNBits || !returned) expect.fail(`half ${bits.toString(16)}`);
  }
});

test('no other half is nearer', () => {
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
      const bits = toHalf(value);
      const error = Math.abs(fromHalf(bits) - value);
      for (const neighbour of [bits - 1, bits + 1]) {
        const other = fromHalf(neighbour & 0xffff);
        if (Number.isFinite(other)) expect(Math.abs(other - value)).toBeGreaterThanOrEqual(error);
      }
    }),
  );
});

test('toHalves gives what toHalf gives, at every half, between halves and next to it', () => {
  const values: number[] = [];
  for (let bits = 0; bits < 65535; bits++) {
    const middle = (fromHalf(bits) + fromHalf(bits + 1)) / 2;
    values.push(fromHalf(bits), middle, middle * (1 + 2 ** -22), middle * (1 - 2 ** -22));
  }
  const floats = Float32Array.from([...values, 1e-30, -1e-30, 65519, 65520, -1e30, Number.POSITIVE_INFINITY]);
  const halves = toHalves(floats);
  const wrong = floats.findIndex((value, i) => halves[i] !== toHalf(value));
  expect(wrong < 0 ? undefined : floats[wrong]).toBeUndefined();
  expect(toHalves(Float32Array.of(0, 1, 2).subarray(1))).toEqual(Uint16Array.of(0x3c00, 0x4000));
});
