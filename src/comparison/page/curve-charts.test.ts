import { expect, it } from 'vitest';
import { madeUpComparison } from '../../../test/comparison-fixture.ts';
import { paperTheme } from '../../charts/chart-theme.ts';
import type { MetricsLine } from '../../training/record/run-folder.ts';
import { curveCharts } from './curve-charts.ts';

/** The labels of the chart of learning rates of two runs with these peaks, which end at 0. */
async function rateLabels(peaks: readonly [number, number]): Promise<string[]> {
  const comparison = madeUpComparison({ splits: ['val'], images: 2, panels: 0 });
  const metrics = (peak: number): MetricsLine[] =>
    [1, 0.5, 0.1, 0].map((share, index) => ({ step: index, epoch: index + 1, seconds: 1, learningRate: peak * share }));
  const runs = comparison.runs.map((run, index) => ({ ...run, metrics: metrics(peaks[index]) }));
  const charts = await curveCharts({ ...comparison, runs }, paperTheme, true);
  const { svg } = charts.find(({ id }) => id === 'curve-learning-rate')!;
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
}

it('draws learning rates that differ much on a logarithmic axis', async () => {
  const labels = await rateLabels([0.1, 0.001]);
  for (const label of ['0.1', '0.01', '1e-3']) expect(labels).toContain(label);
  expect(await rateLabels([0.1, 0.08])).toContain('0.06');
});
