import type { EngineChoice } from '../../engine/select-engine.ts';
import { bracketSize, ownedWork, survivors } from '../../sweep/halving.ts';
import type { Shard } from '../../sweep/shard.ts';
import { describeDistribution, formatSetting } from '../../sweep/space/distribution.ts';
import { combinationsOf } from '../../sweep/space/sampler.ts';
import type { Settings } from '../../sweep/space/space.ts';
import type { Sweep } from '../../sweep/sweep.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { type JsonOption, printJson, printText } from '../command.ts';
import { formatDuration, formatPairs, formatTable } from '../format.ts';

/** Trials that a dry run shows. */
const mostShown = 9;

/** What a dry run is about. */
export interface DryRun extends JsonOption {
  readonly data?: string;
  readonly budget?: number;
  readonly trials?: number;
  readonly shard: Shard;
  readonly parallel: number;
  readonly engine: EngineChoice;
}

/** Seconds of an epoch of the configuration with its own settings; undefined without data. */
async function timeEpoch({ config }: Sweep, { data, engine }: DryRun): Promise<number | undefined> {
  if (data === undefined) return undefined;
  const { estimateTraining } = await import('../../training/estimate.ts');
  const { seconds, epochs } = await estimateTraining({ ...config, engine: { ...config.engine, ...engine } }, data);
  return seconds / epochs;
}

/** The first trials of a shard. */
function firstTrials(
  { sampler, halving }: Sweep,
  { shard, trials = Number.POSITIVE_INFINITY }: DryRun,
): [number, Settings][] {
  const size = bracketSize(halving);
  const first = (shard.index - 1) * size + 1;
  return Array.from({ length: Math.min(mostShown, size) }, (_, index) => first + index).flatMap((trial) => {
    const settings = trial > trials ? undefined : sampler.settingsOf(trial);
    return settings ? [[trial, settings] as [number, Settings]] : [];
  });
}

/** Shows what a sweep would do: its space, its rungs, its time and its first trials. */
export async function describeSweep(sweep: Sweep, run: DryRun): Promise<void> {
  const { space, halving, metric } = sweep;
  const size = bracketSize(halving);
  const combinations = combinationsOf(space);
  const epoch = await timeEpoch(sweep, run);
  const one = { index: 1, count: 1 };
  const bracketEpochs = ownedWork(halving, one, size);
  const bracketSeconds = epoch === undefined ? undefined : (bracketEpochs * epoch) / run.parallel;
  const ofBudget =
    bracketSeconds === undefined || run.budget === undefined
      ? undefined
      : Math.floor(((run.budget * 60) / bracketSeconds) * size);
  const sweepSeconds =
    epoch === undefined || run.trials === undefined
      ? undefined
      : (ownedWork(halving, run.shard, run.trials) * epoch) / run.parallel;
  const first = firstTrials(sweep, run);
  if (run.json) {
    return printJson({
      combinations,
      metric,
      rungs: halving.rungs,
      bracket: survivors(size, halving),
      parallel: run.parallel,
      threads: run.engine.threads,
      shard: run.shard,
      secondsPerEpoch: epoch,
      secondsPerBracket: bracketSeconds,
      trialsInBudget: ofBudget,
      secondsOfTrials: sweepSeconds,
      first: first.map(([trial, settings]) => ({ trial, settings: Object.fromEntries(settings) })),
    });
  }
  const bracket = `${countOf(bracketEpochs, 'epoch')} of training`;
  printText(
    `${formatPairs([
      ...space.map(({ key, distribution }): [string, string] => [key, describeDistribution(distribution)]),
      ['combinations', combinations === undefined ? 'infinitely many' : formatCount(combinations)],
      ['score', metric],
      ['rungs', `${halving.rungs.join(', ')} epochs`],
      ['bracket', `${survivors(size, halving).join(' → ')} trials, ${bracket}`],
      ['at once', `${countOf(run.parallel, 'trial')} with ${countOf(run.engine.threads ?? 1, 'thread')} each`],
      ...(run.shard.count === 1 ? [] : [['shard', `${run.shard.index} of ${run.shard.count}`] as [string, string]]),
      ...(bracketSeconds === undefined
        ? [['time', 'unknown without --data'] as [string, string]]
        : [
            [
              'time',
              `about ${formatDuration(bracketSeconds)} a bracket, excluding validation (just measured, with the settings of the config)`,
            ] as [string, string],
          ]),
      ...(ofBudget === undefined
        ? []
        : [
            ['budget', `${formatDuration(run.budget! * 60)}, enough for about ${countOf(ofBudget, 'trial')}`] as [
              string,
              string,
            ],
          ]),
      ...(sweepSeconds === undefined
        ? []
        : [['all trials', `${formatCount(run.trials!)}, about ${formatDuration(sweepSeconds)}`] as [string, string]]),
    ])}\n\n${formatTable(
      [{ title: 'trial', align: 'right' }, ...space.map(({ key }) => ({ title: key }))],
      first.map(([trial, settings]) => [String(trial), ...[...settings.values()].map(formatSetting)]),
    )}`,
  );
  printText('\nNothing was trained or written (--dry-run).');
}
