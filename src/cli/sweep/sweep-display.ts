import { tableCells } from '../../comparison/tables/render-table.ts';
import type { Table } from '../../comparison/tables/table.ts';
import { type Halving, ownedWork } from '../../sweep/halving.ts';
import type { SweepProgress } from '../../sweep/run-sweep.ts';
import type { Shard } from '../../sweep/shard.ts';
import { isBetter, type Metric } from '../../sweep/sweep.ts';
import type { Trial } from '../../sweep/trials.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { formatDuration, formatTable } from '../format.ts';
import { Progress } from '../progress.ts';
import { formatScore } from '../score-table.ts';

/** Rows that a terminal shows. */
const mostRows = 20;

/** The limits of a sweep, as far as they are given. */
export interface SweepLimits {
  readonly seconds?: number;
  readonly trials?: number;
}

/** Shows a running sweep on stderr: a bar with the time left, and a line for each rung that a trial reaches. */
export class SweepDisplay {
  private readonly progress: Progress;
  private best: number | undefined;
  private start: SweepProgress | undefined;

  /** @param before trials of earlier parts */
  constructor(
    plain: boolean,
    private readonly metric: Metric,
    private readonly halving: Halving,
    private readonly shard: Shard,
    private readonly limits: SweepLimits,
    before: readonly Trial[],
  ) {
    this.progress = new Progress('sweep', { plain, share: true });
    for (const trial of before) this.take(trial);
    this.epochsBefore = before.reduce((sum, { epochs }) => sum + epochs, 0);
  }

  private readonly epochsBefore: number;

  update(now: SweepProgress): void {
    this.start ??= { seconds: now.seconds, epochs: 0 };
    const [done, left] = this.done(now);
    const parts = [
      ...(left === undefined || !Number.isFinite(left) ? [] : [`${formatDuration(left)} left`]),
      ...(this.best === undefined ? [] : [`best ${this.metric} ${formatScore(this.best)}`]),
    ];
    this.progress.update(Math.round(done * 1000), 1000, parts.join('  ') || ' ');
  }

  /** A trial reached a rung, or failed. */
  end(trial: Trial, rung: number, seconds: number): void {
    const { failure, scores, epochs } = trial;
    if (failure !== undefined) {
      this.progress.log(`trial ${trial.trial} failed: ${failure}`);
      return;
    }
    const isBest = this.take(trial);
    const length = countOf(Number(epochs.toFixed(2)), 'epoch');
    const score = `${this.metric} ${formatScore(scores[rung])}`;
    this.progress.log(
      `trial ${trial.trial}: ${length}, ${score}${isBest ? ', best so far' : ''} (${formatDuration(seconds)})`,
    );
  }

  finish(): void {
    this.progress.finish();
  }

  /** Whether a trial is the best so far. */
  private take({ failed, score }: Trial): boolean {
    if (failed || score === undefined || (this.best !== undefined && !isBetter(this.metric, score, this.best)))
      return false;
    this.best = score;
    return true;
  }

  /** The share that is done, and the seconds that are left: by the limit that comes first. */
  private done({ seconds, epochs }: SweepProgress): [number, number | undefined] {
    const byTime = this.limits.seconds === undefined ? 0 : seconds / this.limits.seconds;
    const timeLeft = this.limits.seconds === undefined ? undefined : this.limits.seconds - seconds;
    if (this.limits.trials === undefined) return [Math.min(1, byTime), timeLeft];
    const all = ownedWork(this.halving, this.shard, this.limits.trials);
    const byEpochs = all === 0 ? 1 : (this.epochsBefore + epochs) / all;
    const rate = (seconds - this.start!.seconds) / epochs;
    const workLeft = Math.max(0, all - this.epochsBefore - epochs) * rate;
    if (timeLeft !== undefined && timeLeft < workLeft) return [Math.min(1, byTime), timeLeft];
    return [Math.min(1, byEpochs), workLeft];
  }
}

/**
 * Keys without their first group where that leaves no doubt: a terminal is narrow.
 *
 * @example shortKeys(['train.lr', 'train.optimizer.kind', 'data.repair']) // ['lr', 'optimizer.kind', 'repair']
 */
export function shortKeys(keys: readonly string[]): string[] {
  const short = keys.map((key) => key.replace(/^[^.]*\./, ''));
  return short.map((name, index) => (short.indexOf(name) === short.lastIndexOf(name) ? name : keys[index]));
}

/** A table for a terminal, with its first rows. */
export function formatSweepTable(table: Table, keys: readonly string[], csv: string): string {
  const titles = new Map(shortKeys(keys).map((name, index) => [keys[index], name]));
  const columns = table.columns.map((column) => ({ ...column, title: titles.get(column.key) ?? column.title }));
  const cells = tableCells({ ...table, columns });
  const shown = formatTable(cells.columns, cells.rows.slice(0, mostRows));
  const more = cells.rows.length - mostRows;
  return more <= 0 ? shown : `${shown}\n… and ${formatCount(more)} more in ${csv}`;
}
