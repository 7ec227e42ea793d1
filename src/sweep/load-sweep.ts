import { readConfigText } from '../config/load-config.ts';
import { type Notify, parseConfig, throwFaults } from '../config/parse-config.ts';
import { sortByLine } from '../config/parse-yaml.ts';
import type { Config } from '../config/schema.ts';
import { FaceparseError } from '../text/errors.ts';
import { planTraining } from '../training/plan.ts';
import { planHalving } from './halving.ts';
import { type BaseConfig, SettingsCheck, spaceFaults } from './space/check-space.ts';
import { readSpace } from './space/read-space.ts';
import { Sampler } from './space/sampler.ts';
import type { Space } from './space/space.ts';
import type { Metric, Sweep } from './sweep.ts';

/** What a sweep is made of. */
export interface SweepFiles {
  /** The configuration file; default: the defaults of all keys. */
  readonly config?: string;
  readonly overrides: readonly string[];
  readonly space: string;
  readonly metric: Metric;
  /** Factor of successive halving, and the epochs of the first rung; see `planHalving`. */
  readonly factor: number;
  readonly minEpochs?: number;
  readonly seed: number;
}

/** The space of a file. @throws FaceparseError (exit code 2) that lists all its faults */
async function loadSpace(file: string, base: BaseConfig, check: SettingsCheck): Promise<Space> {
  const document = readSpace(await readConfigText(file), file);
  const faults = sortByLine([...document.faults, ...spaceFaults(document, base, check)], file);
  return faults.length > 0 ? throwFaults(file, faults) : document.space;
}

function requireEpochs({ train }: Config, minEpochs: number | undefined): void {
  const fail = (message: string) => {
    throw new FaceparseError(message, { exitCode: 2 });
  };
  if (train.minutes !== undefined) {
    fail(
      `train.minutes is ${train.minutes}, but a sweep measures trials in epochs; set train.epochs instead, and pass train.minutes=null`,
    );
  }
  if (minEpochs !== undefined && minEpochs > train.epochs) {
    fail(`--min-epochs is ${minEpochs}, but must be at most train.epochs, which is ${train.epochs}`);
  }
}

/**
 * Reads the configuration and the space of a sweep, and checks that they fit together.
 *
 * @param pairs number of training pairs
 * @param notify receives a line for every key under a former name
 * @throws FaceparseError (exit code 2) that lists all faults of a file, each with its line
 */
export async function loadSweep(files: SweepFiles, pairs: number, notify: Notify = () => undefined): Promise<Sweep> {
  const { config: file, overrides, metric, factor, minEpochs, seed } = files;
  const base: BaseConfig = {
    text: file === undefined ? '' : await readConfigText(file),
    source: file ?? '',
    overrides,
  };
  const config = parseConfig(base.text, base.source, overrides, notify);
  requireEpochs(config, minEpochs);
  planTraining(config);
  const check = new SettingsCheck(base);
  const space = await loadSpace(files.space, base, check);
  const searchedLoss = space.find(({ key }) => key.startsWith('loss.'));
  if (metric === 'valLoss' && searchedLoss) {
    throw new FaceparseError(
      `--metric valLoss cannot compare trials with different losses, and the space has ${searchedLoss.key}; use another metric, such as valF`,
      { exitCode: 2 },
    );
  }
  const halving = planHalving(config, factor, minEpochs);
  const sampler = new Sampler(space, seed, (settings) => check.faults(settings).length === 0);
  return { config, space, metric, halving, seed, pairs, base, sampler };
}
