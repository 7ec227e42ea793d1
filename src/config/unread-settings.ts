import { joinWords } from '../text/join-words.ts';
import { configKeys } from './config-keys.ts';
import { valueAt } from './parse-yaml.ts';
import type { Config } from './schema.ts';

/** A choice, and the settings that only some of its values read. */
interface Choice {
  readonly path: string;
  readonly chosen: (config: Config) => string;
  /** The values that read each setting, by its path. */
  readonly readers: Readonly<Record<string, readonly string[]>>;
}

const adaptive = ['adamw', 'adam', 'muon'];
const decaying = ['cosine', 'polynomial', 'step', 'cosine-restarts', 'plateau'];

/** The choices of which settings depend. */
export const choices: readonly Choice[] = [
  {
    path: 'train.schedule',
    chosen: ({ train }) => train.schedule,
    readers: {
      'train.warmup': ['constant', ...decaying],
      'train.finalShare': decaying,
      'train.scheduleOptions.power': ['polynomial'],
      'train.scheduleOptions.milestones': ['step'],
      'train.scheduleOptions.every': ['step'],
      'train.scheduleOptions.factor': ['step', 'plateau'],
      'train.scheduleOptions.peakAt': ['onecycle'],
      'train.scheduleOptions.divFactor': ['onecycle'],
      'train.scheduleOptions.finalDivFactor': ['onecycle'],
      'train.scheduleOptions.firstCycle': ['cosine-restarts'],
      'train.scheduleOptions.cycleFactor': ['cosine-restarts'],
      'train.scheduleOptions.watch': ['plateau'],
      'train.scheduleOptions.patience': ['plateau'],
      'train.scheduleOptions.threshold': ['plateau'],
      'train.scheduleOptions.cooldown': ['plateau'],
    },
  },
  {
    path: 'train.optimizer.kind',
    chosen: ({ train }) => train.optimizer.kind,
    readers: {
      'train.optimizer.beta1': adaptive,
      'train.optimizer.beta2': adaptive,
      'train.optimizer.epsilon': adaptive,
      'train.optimizer.momentum': ['sgd'],
      'train.optimizer.nesterov': ['sgd'],
      'train.optimizer.muonMomentum': ['muon'],
    },
  },
];

/** A setting that was given but has no effect. */
export interface UnreadSetting {
  readonly path: string;
  readonly reason: string;
}

/**
 * The settings that were given for another schedule or optimiser than the chosen one. A file may be shared by runs with other
 * choices, so of its settings only those count that its own choice does not read either, and that differ from the default.
 *
 * @param config the complete configuration
 * @param given the values of the file and of the overrides
 * @param file the values of the file alone
 * @param overridden the paths of all overrides
 * @example unreadSettings(config, given, {}, ['train.optimizer.nesterov']) // [{ path: 'train.optimizer.nesterov', reason: 'has no effect with …' }]
 */
export function unreadSettings(
  config: Config,
  given: unknown,
  file: unknown,
  overridden: readonly string[],
): UnreadSetting[] {
  return choices.flatMap(({ path: choice, chosen, readers }) => {
    const inFile = String(valueAt(file, choice.split('.')) ?? configKeys().get(choice)?.default);
    return Object.entries(readers).flatMap(([path, values]) => {
      const isOverridden = overridden.includes(path);
      // The override null takes a value of the file back.
      const isGiven = (isOverridden ? [given] : [given, file]).every(
        (values) => valueAt(values, path.split('.')) != null,
      );
      const value = valueAt(given, path.split('.'));
      const isRead = values.includes(chosen(config)) || (!isOverridden && values.includes(inFile));
      if (!isGiven || isRead || (!isOverridden && isDefault(path, value))) return [];
      const reason = `has no effect with ${choice}=${chosen(config)}; it is a setting of ${joinWords(values, 'and')}`;
      return [{ path, reason }];
    });
  });
}

function isDefault(path: string, value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(configKeys().get(path)?.default);
}
