import { inspectConfig } from '../../config/parse-config.ts';
import { Random } from '../../random/random.ts';
import { faultOf } from '../../text/fault-of.ts';
import { planTraining } from '../../training/plan.ts';
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

/** Keys of which it depends whether a network can be built and trained; planning a training for each trial would take minutes. */
const structural = /^(model\.|train\.(size|labelSize|resolutions|freeze\.|schedule$|earlyStopping\.))/;

/** A fault of a configuration with some settings. */
interface SettingsFault {
  readonly message: string;
  /** Index of the override that has the fault. */
  readonly override?: number;
}

/** Checks settings in a configuration: its schema, and whether its network can be built and trained. */
export class SettingsCheck {
  private readonly plans = new Map<string, string | undefined>();

  constructor(private readonly base: BaseConfig) {}

  /** The faults of the configuration with these settings, without their places. */
  faults(settings: Settings): SettingsFault[] {
    const { text, source, overrides } = this.base;
    const { config, faults } = inspectConfig(text, source, [...overrides, ...overridesOf(settings)]);
    if (!config) {
      return faults.map(({ message, place, override }) => ({
        message: message.slice(place.length + 2),
        ...(override !== undefined && { override }),
      }));
    }
    const parts = JSON.stringify([...settings].filter(([key]) => structural.test(key)));
    if (!this.plans.has(parts))
      this.plans.set(
        parts,
        faultOf(() => planTraining(config)),
      );
    const message = this.plans.get(parts);
    return message === undefined ? [] : [{ message }];
  }
}

/**
 * The faults of a space in a configuration: values that no key takes, or that fit together with no others of the space. Every
 * choice and both ends of every range are checked.
 *
 * @example spaceFaults(readSpace(text, 'space.yaml'), base, new SettingsCheck(base)) // ['space.yaml:2: train.lr is 20, but must be …']
 */
export function spaceFaults({ space, locate }: SpaceDocument, base: BaseConfig, check: SettingsCheck): string[] {
  return space.flatMap(({ key, distribution }) => {
    const found = extremesOf(distribution).flatMap((value) => {
      const first = check.faults(new Map([[key, value]]));
      if (first.length === 0) return [];
      // The value may need others: an encoder needs a network that takes one.
      for (let attempt = 0; attempt < tries; attempt++) {
        const drawn = drawSettings(space, new Random(0, 'check', key, formatSetting(value), attempt)).set(key, value);
        if (check.faults(drawn).length === 0) return [];
      }
      const own = first.find(({ override }) => override === base.overrides.length) ?? first[0];
      // A fault of several settings together does not name this one.
      const subject = own.message.includes(key) ? '' : `${key}=${formatSetting(value)}: `;
      return [`${locate(key)}: ${subject}${own.message}`];
    });
    return [...new Set(found)];
  });
}
