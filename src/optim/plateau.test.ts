import { describe, expect, it } from 'vitest';
import { initialPlateau, nextPlateau, type PlateauOptions, type PlateauState } from './plateau.ts';

const options: PlateauOptions = {
  higherIsBetter: true,
  factor: 0.5,
  patience: 2,
  threshold: 1e-3,
  cooldown: 1,
  floor: 0.15,
};

/** The learning rate after each value, from a peak of 2. */
function ratesOf(values: readonly number[], changes: Partial<PlateauOptions> = {}): number[] {
  let state: PlateauState = initialPlateau;
  return values.map((value) => {
    state = nextPlateau(state, value, { ...options, ...changes });
    return 2 * state.reduction;
  });
}

function expectRates(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.map((rate) => Number(rate.toPrecision(10)))).toEqual(expected);
}

/** Made by PyTorch 2.15: the rate of SGD(lr=2) after each `s.step(value)`. */
describe('ReduceLROnPlateau of PyTorch', () => {
  it("s = L.ReduceLROnPlateau(o, mode='max', factor=0.5, patience=2, threshold=1e-3, cooldown=1, min_lr=0.3)", () => {
    const values = [0.5, 0.6, 0.60005, 0.6, 0.59, 0.55, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.69, 0.68, 0.7, 0.7, 0.7];
    expectRates(ratesOf(values), [2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]);
  });

  it("s = L.ReduceLROnPlateau(o, mode='min', factor=0.1, patience=1, threshold=1e-3)", () => {
    const values = [3, 2, 2, 1.9995, 1.99, 2, 2, 2, 2, 2, 1, 1, 1];
    expectRates(
      ratesOf(values, { higherIsBetter: false, factor: 0.1, patience: 1, cooldown: 0, floor: 0 }),
      [2.0, 2.0, 2.0, 0.2, 0.2, 0.2, 0.02, 0.02, 0.002, 0.002, 0.002, 0.002, 0.0002],
    );
  });
});

describe('nextPlateau', () => {
  it('counts a value that is not a number as no improvement', () => {
    const first = nextPlateau(initialPlateau, Number.NaN, options);
    expect(first).toEqual({ reduction: 1, bad: 1, cooldown: 0 });
    expect(nextPlateau(initialPlateau, Number.NEGATIVE_INFINITY, options)).toEqual(first);
    expect(nextPlateau(first, 0.5, options)).toEqual({ reduction: 1, best: 0.5, bad: 0, cooldown: 0 });
  });
});
