import type { ParseTiming } from './parse-result.ts';

/** Parts of a call that are timed. */
export type TimedPart = Exclude<keyof ParseTiming, 'total'>;

/** Adds up the milliseconds that the parts of one call take. */
export class Stopwatch {
  readonly #spent: { [part in TimedPart]: number } = {
    decode: 0,
    detect: 0,
    preprocess: 0,
    network: 0,
    postprocess: 0,
  };

  async time<T>(part: TimedPart, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#spent[part] += performance.now() - start;
    }
  }

  get timing(): ParseTiming {
    const spent = { ...this.#spent };
    return { ...spent, total: Object.values(spent).reduce((sum, part) => sum + part, 0) };
  }
}
