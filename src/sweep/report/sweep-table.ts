import type { Table } from '../../comparison/tables/table.ts';
import { formatSetting } from '../space/distribution.ts';
import { isHigherBetter, type SweepPlan } from '../sweep.ts';
import { rankTrials, type Trial } from '../trials.ts';
import { fewTrials, type Importance, importanceOf } from './importance.ts';

/** What each trial's score is, in a sentence. */
export function describeScore({ metric, halving }: SweepPlan): string {
  const { rungs, factor } = halving;
  const lengths =
    rungs.length === 1
      ? ''
      : ` Rungs: ${rungs.join(', ')} epochs; one in ${factor} trials goes on from each rung to the next.`;
  return `${metric} is the ${isHigherBetter(metric) ? 'highest' : 'lowest'} of a trial's validations.${lengths}`;
}

/** The trials as a table, the best one first; failed ones are at the end, with the reason. */
export function sweepTable(plan: SweepPlan, trials: readonly Trial[]): Table {
  const { space, metric } = plan;
  const ranked = rankTrials(trials, metric);
  const hasFailures = trials.some(({ failed }) => failed);
  let rank = 0;
  return {
    id: 'trials',
    title: 'Trials',
    columns: [
      { key: 'rank', title: 'rank', format: { kind: 'count' } },
      { key: 'trial', title: 'trial', format: { kind: 'count' } },
      {
        key: metric,
        title: metric,
        format: { kind: 'fixed', digits: 4 },
        best: isHigherBetter(metric) ? 'highest' : 'lowest',
      },
      { key: 'epochs', title: 'epochs', format: { kind: 'fixed', digits: 1 } },
      { key: 'minutes', title: 'minutes', format: { kind: 'fixed', digits: 2 } },
      ...space.map(({ key }) => ({ key, title: key })),
      ...(hasFailures ? [{ key: 'failure', title: 'failure' }] : []),
    ],
    rows: ranked.map(({ trial, settings, score, epochs, seconds, failed, failure }) => [
      failed || score === undefined ? undefined : ++rank,
      trial,
      failed || score === undefined || !Number.isFinite(score) ? undefined : score,
      epochs,
      seconds / 60,
      ...space.map(({ key }) => {
        const value = settings.get(key);
        return typeof value === 'number' ? value : formatSetting(value);
      }),
      ...(hasFailures ? [failure] : []),
    ]),
    note: describeScore(plan),
  };
}

/** The importance of the keys, measured where all trials have a score: at the first rung. */
export function sweepImportance(
  { space, halving }: SweepPlan,
  trials: readonly Trial[],
): {
  readonly importance: Importance[];
  readonly trials: number;
  readonly note: string;
} {
  const scored = trials.flatMap(({ settings, scores: [score] }) => (score === undefined ? [] : [{ settings, score }]));
  const epochs = halving.rungs[0];
  const at = `${scored.length} trials at ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;
  const doubt = scored.length < fewTrials ? `; fewer than ${fewTrials} trials, so mostly chance` : '';
  return { importance: importanceOf(space, scored), trials: scored.length, note: `${at}${doubt}` };
}

/** The importance of the keys as a table. */
export function importanceTable({ importance, note }: ReturnType<typeof sweepImportance>): Table {
  return {
    id: 'importance',
    title: 'Importance',
    columns: [
      { key: 'key', title: 'key' },
      { key: 'importance', title: 'importance', format: { kind: 'fixed', digits: 2 } },
    ],
    rows: importance.map(({ key, share }) => [key, share]),
    note: `The share of the variance of the ranks of scores that the key explains alone (${note}).`,
  };
}
