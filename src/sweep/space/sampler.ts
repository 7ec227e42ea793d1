import { Random } from '../../random/random.ts';
import { drawValue, formatSetting, valuesOf } from './distribution.ts';
import type { Settings, Space } from './space.ts';

/** Spaces with at most this many combinations are drawn without repetition. */
const mostListed = 100_000;

/** Draws in a row that do not fit together, after which a space is taken to have no more settings. */
const mostAttempts = 1000;

/**
 * The number of combinations of a space; undefined if it is infinite or its ranges have too many values to list.
 *
 * @example combinationsOf([{ key: 'train.batchSize', distribution: { kind: 'choice', values: [4, 8] } }]) // 2
 */
export function combinationsOf(space: Space): number | undefined {
  let count = 1;
  for (const { distribution } of space) {
    const values = valuesOf(distribution);
    if (!values) return undefined;
    count *= values.length;
  }
  return count;
}

/** Settings as overrides: `train.lr=0.001`. */
export function overridesOf(settings: Settings): string[] {
  return [...settings].map(([key, value]) => `${key}=${formatSetting(value)}`);
}

/** Draws from a space without regard to what fits together. @example drawSettings(space, new Random(7, 'trial', 3)) */
export function drawSettings(space: Space, random: Random): Map<string, unknown> {
  // Each key has its own stream, so that a key does not move the values of the others.
  return new Map(space.map(({ key, distribution }) => [key, drawValue(distribution, random.fork(key))]));
}

/**
 * Draws the settings of trials at random. Those of a trial depend only on the space, the seed and its number, so machines that
 * share a sweep, and a sweep that is resumed, agree on them. Spaces with at most 100,000 combinations are drawn without
 * repetition.
 *
 * @example new Sampler(space, 0, () => true).settingsOf(3)
 */
export class Sampler {
  /** Seeded order of all combinations of a small space, how many of them have been looked at, and those that fit. */
  private readonly order: Uint32Array | undefined;
  private looked = 0;
  private readonly listed: Settings[] = [];

  /** @param fits whether a configuration allows settings together */
  constructor(
    private readonly space: Space,
    private readonly seed: number,
    private readonly fits: (settings: Settings) => boolean,
  ) {
    const combinations = combinationsOf(space);
    if (combinations === undefined || combinations > mostListed) return;
    this.order = Uint32Array.from({ length: combinations }, (_, index) => index);
    new Random(seed, 'sweep', 'order').shuffle(this.order);
  }

  /** The settings of a trial, counted from 1; undefined if the space has no more. */
  settingsOf(trial: number): Settings | undefined {
    if (!this.order) return this.draw(trial);
    while (this.listed.length < trial && this.looked < this.order.length) {
      const settings = this.combination(this.order[this.looked++]);
      if (this.fits(settings)) this.listed.push(settings);
    }
    return this.listed[trial - 1];
  }

  private draw(trial: number): Settings | undefined {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const settings = drawSettings(this.space, new Random(this.seed, 'sweep', trial, attempt));
      if (this.fits(settings)) return settings;
    }
    return undefined;
  }

  private combination(index: number): Settings {
    let rest = index;
    return new Map(
      this.space.map(({ key, distribution }) => {
        const values = valuesOf(distribution)!;
        const value = values[rest % values.length];
        rest = Math.floor(rest / values.length);
        return [key, value];
      }),
    );
  }
}
