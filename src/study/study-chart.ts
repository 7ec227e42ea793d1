import { type CurveSeries, curvesChart } from '../charts/curves.ts';
import type { StudyResult } from './load-study.ts';
import { baseName } from './parse-study.ts';
import type { GroupSummary } from './summary.ts';

/** Means over the runs at the epochs at which all of them were validated. */
function meanCurve(results: readonly StudyResult[]): (readonly [number, number])[] {
  const curves = results.map(({ validations }) => new Map(validations));
  return [...(curves[0]?.keys() ?? [])]
    .filter((epoch) => curves.every((curve) => curve.has(epoch)))
    .map((epoch) => [epoch, curves.reduce((sum, curve) => sum + curve.get(epoch)!, 0) / curves.length]);
}

/**
 * Validation F over epochs as an SVG: one line per variant (the mean over its finished seeds), ordered from the best final
 * score to the worst. Undefined if no run is finished.
 */
export async function studyChart({ group, variants }: GroupSummary): Promise<string | undefined> {
  const series = variants
    .map(({ variant, results }): CurveSeries => {
      const finished = results.filter(({ state }) => state === 'finished');
      return { name: variant.name, points: meanCurve(finished), highlight: variant.name === baseName };
    })
    .filter(({ points }) => points.length > 0)
    .sort((a, b) => b.points.at(-1)![1] - a.points.at(-1)![1]);
  if (series.length === 0) return undefined;
  return curvesChart(series, {
    title: group.title,
    xLabel: 'epoch',
    yLabel: 'validation F (per image), mean over seeds',
    legend: 'side',
    width: 960,
    // A line of the legend is 22 pixels high.
    height: Math.max(460, 96 + 24 * series.length),
  });
}
