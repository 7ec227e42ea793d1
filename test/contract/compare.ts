import { expect } from 'vitest';

/**
 * Expects every value within `tolerance` of what is expected, relative to the largest value of the tensor: an element
 * that is small because large terms cancel is as exact as those terms are, not more.
 */
export function expectClose(
  actual: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual, `${what} is not given back`).toBeDefined();
  expect(actual!.length, `${what}: number of values`).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  // Where all that is expected is (nearly) zero there is nothing to be relative to.
  const limit = tolerance * Math.max(largest, 1e-3);
  let worst = 0;
  let where = -1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual![i] - expected[i]);
    if (error > worst || Number.isNaN(error)) [worst, where] = [error, i];
    if (Number.isNaN(error)) break;
  }
  if (!(worst <= limit)) {
    const values = `${actual![where]} instead of ${expected[where]} at ${where} of ${expected.length}`;
    expect.fail(`${what}: ${values}; off by ${worst.toExponential(2)}, at most ${limit.toExponential(2)} is allowed`);
  }
}

/** Expects the same arrays under the same names, byte for byte: `toEqual` takes a minute for megabytes. */
export function expectSameBytes(
  actual: ReadonlyMap<string, ArrayBufferView>,
  expected: ReadonlyMap<string, ArrayBufferView>,
): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  const bytes = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  for (const [name, values] of expected) expect(bytes(actual.get(name)!).equals(bytes(values)), name).toBe(true);
}
