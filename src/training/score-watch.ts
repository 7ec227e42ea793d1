import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import { initialPlateau, nextPlateau } from '../optim/plateau.ts';
import { countOf } from '../text/counts.ts';
import type { MetricsLine } from './record/run-folder.ts';

type WatchedScore = Config['train']['earlyStopping']['watch'];

/** The scores of a validation that can be watched. */
export type WatchableScores = Readonly<Record<WatchedScore, number>>;

const count = z.number().int().min(0);

/** The part of a checkpoint about scores that have to improve. A best score is absent until there is one. */
export const watchStateSchema = z.object({
  plateau: z
    .object({
      watch: z.string(),
      reduction: z.number().min(0).max(1),
      best: z.number().optional(),
      bad: count,
      cooldown: count,
    })
    .optional(),
  earlyStopping: z.object({ watch: z.string(), best: z.number().optional(), stale: count }).optional(),
});

/** See `watchStateSchema`. */
export type WatchState = Readonly<z.output<typeof watchStateSchema>>;

function isHigherBetter(watch: WatchedScore): boolean {
  return watch !== 'valLoss';
}

/** Follows the scores of a run's validations: reduces the learning rate at a plateau and counts for early stopping. */
export class ScoreWatch {
  private current: WatchState;

  /**
   * @param saved the state in the checkpoint of a resumed run
   * @param isComparable whether a score of the validations so far can be compared with later ones
   */
  constructor(
    private readonly train: Config['train'],
    saved: WatchState = {},
    isComparable: (watch: WatchedScore) => boolean = () => true,
  ) {
    const { schedule, scheduleOptions, earlyStopping } = train;
    const goesOn = (watch: WatchedScore, before: string | undefined) => before === watch && isComparable(watch);
    const { plateau = { watch: '', ...initialPlateau }, earlyStopping: stopping } = saved;
    const { watch } = scheduleOptions;
    this.current = {
      ...(schedule === 'plateau' && {
        // With other scores the search for the best starts again, but the learning rate stays.
        plateau: goesOn(watch, plateau.watch) ? plateau : { ...initialPlateau, watch, reduction: plateau.reduction },
      }),
      ...(earlyStopping.patience !== undefined && {
        earlyStopping:
          stopping && goesOn(earlyStopping.watch, stopping.watch) ? stopping : { watch: earlyStopping.watch, stale: 0 },
      }),
    };
  }

  /** Factor of the learning rate. */
  get reduction(): number {
    return this.current.plateau?.reduction ?? 1;
  }

  /** The state for a checkpoint; undefined if the run watches no score. */
  get state(): WatchState | undefined {
    return Object.keys(this.current).length > 0 ? this.current : undefined;
  }

  /** Takes the scores of a validation. @returns what its line of metrics says of them */
  add(scores: WatchableScores): Pick<MetricsLine, 'staleValidations'> {
    const { scheduleOptions, finalShare, earlyStopping } = this.train;
    const { plateau, earlyStopping: stopping } = this.current;
    const { watch } = scheduleOptions;
    const options = { ...scheduleOptions, higherIsBetter: isHigherBetter(watch), floor: finalShare };
    const next = stopping && nextStopping(stopping, scores[earlyStopping.watch], earlyStopping);
    this.current = {
      ...(plateau && { plateau: { watch, ...nextPlateau(plateau, scores[watch], options) } }),
      ...(next && { earlyStopping: next }),
    };
    return next ? { staleValidations: next.stale } : {};
  }
}

/** Counts the validations since the best score. NaN and infinity are no improvement; a checkpoint could not hold them. */
function nextStopping(
  { best, stale }: NonNullable<WatchState['earlyStopping']>,
  value: number,
  { watch, minDelta }: Config['train']['earlyStopping'],
): NonNullable<WatchState['earlyStopping']> {
  const gain = best === undefined ? Number.POSITIVE_INFINITY : isHigherBetter(watch) ? value - best : best - value;
  if (gain > minDelta && Number.isFinite(value)) return { watch, best: value, stale: 0 };
  return { watch, ...(best !== undefined && { best }), stale: stale + 1 };
}

/**
 * Says why a run stopped early; undefined if it did not.
 *
 * @param last the last line of its metrics
 * @example describeEarlyStop(last, config) // 'valF did not improve in 5 validations'
 */
export function describeEarlyStop({ staleValidations: stale }: MetricsLine, { train }: Config): string | undefined {
  const { patience, watch } = train.earlyStopping;
  if (patience === undefined || stale === undefined || stale < patience) return undefined;
  return `${watch} did not improve in ${countOf(stale, 'validation')}`;
}
