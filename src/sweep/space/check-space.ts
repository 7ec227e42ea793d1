import { inspectConfig } from '../../config/parse-config.ts';
import { Random } from '../../random/random.ts';
import { type Distribution, formatSetting } from './distribution.ts';
import type { SpaceDocument } from './read-space.ts';
import { drawSettings, overridesOf } from './sampler.ts';
import type { Settings } from './space.ts';

/** The configuration that a sweep varies. */
export interface BaseConfig {
  /** Its text, and the name of its file. */
  readonly text: string;
  readonly source: string;
  /** Overrides for all trials. */
  readonly overrides: readonly string[];
}

/** Drawn settings with which a value is tried if it does not fit to the configuration alone. */
const tries = 60;

/** Values of a distribution that stand for all others: every choice, or both ends. */
function extremesOf(distribution: Distribution): readonly unknown[] {
  return distribution.kind === 'choice' ? distribution.values : [distribution.low, distribution.high];
}

/** A function that tells whether the configuration allows settings together. */
export function fitsConfig({ text, source, overrides }: BaseConfig): (settings: Settings) => boolean {
  return (settings) => inspectConfig(text, source, [...overrides, ...overridesOf(settings)]).faults.length === 0;
}

/**
 * The faults of a space in a configuration: values that no key takes, or that fit together with no others of the space. Every
 * choice and both ends of every range are checked.
 *
 * @example spaceFaults(readSpace(text, 'space.yaml'), base) // ['space.yaml:2: train.lr is 20, but must be …']
 */
export function spaceFaults({ space, locate }: SpaceDocument, base: BaseConfig): string[] {
  const inspect = (settings: Settings) =>
    inspectConfig(base.text, base.source, [...base.overrides, ...overridesOf(settings)]).faults;
  return space.flatMap(({ key, distribution }) => {
    const found = extremesOf(distribution).flatMap((value) => {
      const first = inspect(new Map([[key, value]]));
      if (first.length === 0) return [];
      // The value may need others: an encoder needs a network that takes one.
      for (let attempt = 0; attempt < tries; attempt++) {
        const drawn = drawSettings(space, new Random(0, 'check', key, formatSetting(value), attempt)).set(key, value);
        if (inspect(drawn).length === 0) return [];
      }
      const own = first.find(({ override }) => override === base.overrides.length) ?? first[0];
      return [`${locate(key)}: ${own.message.slice(own.place.length + 2)}`];
    });
    return [...new Set(found)];
  });
}
