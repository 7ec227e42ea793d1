/** How a One-Euro filter weighs steadiness against lag. */
export interface OneEuroSettings {
  /** Cutoff in hertz of values that do not move; lower is steadier. */
  readonly minCutoff: number;
  /** By how many hertz the cutoff rises with each unit per second of speed; higher lags less. */
  readonly beta: number;
}

/** Cutoff in hertz of the speed, as in the paper. */
const speedCutoff = 1;

/**
 * Smooths a vector that is measured again and again: strongly while it stands still, hardly while it moves.
 *
 * Source: Casiez, Roussel, Vogel, "1€ Filter" (CHI 2012). One cutoff, from the length of the speed, serves all components, so
 * that diagonal movements are not bent.
 */
export class OneEuroFilter {
  #value: readonly number[] | undefined;
  #speed: readonly number[] = [];

  constructor(private readonly settings: OneEuroSettings) {}

  /**
   * Adds a measurement.
   *
   * @param seconds since the one before it
   * @param unit length of one unit of speed
   */
  step(measured: readonly number[], seconds: number, unit = 1): readonly number[] {
    const previous = this.#value;
    if (!previous || !(seconds > 0)) {
      this.#speed = measured.map(() => 0);
      this.#value = measured;
      return measured;
    }
    const { minCutoff, beta } = this.settings;
    const slow = weightOf(speedCutoff, seconds);
    this.#speed = this.#speed.map(
      (speed, k) => speed + slow * ((measured[k] - previous[k]) / (seconds * unit) - speed),
    );
    const weight = weightOf(minCutoff + beta * Math.hypot(...this.#speed), seconds);
    const value = previous.map((old, k) => old + weight * (measured[k] - old));
    this.#value = value;
    return value;
  }
}

/** The weight of a new value in a low-pass filter of first order. */
function weightOf(cutoff: number, seconds: number): number {
  const ratio = 2 * Math.PI * cutoff * seconds;
  return ratio / (1 + ratio);
}
