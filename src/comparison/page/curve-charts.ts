import type { ChartTheme } from '../../charts/chart-theme.ts';
import { type CurveSeries, curvesChart } from '../../charts/curves.ts';
import { shorten } from '../../text/escape-markup.ts';
import type { MetricsLine } from '../../training/record/run-folder.ts';
import type { ComparedRun, Comparison } from '../comparison.ts';
import type { Table, TableValue } from '../tables/table.ts';
import type { ComparisonChart } from './comparison-charts.ts';

type Points = readonly (readonly [epoch: number, value: number])[];

interface Curve {
  readonly id: string;
  readonly title: string;
  readonly yLabel: string;
  readonly key: keyof MetricsLine;
  /** How the values of an epoch become one, if a run logged many. */
  readonly join?: 'mean' | 'last';
  readonly digits?: number;
  readonly best?: 'highest' | 'lowest';
}

const curves: readonly Curve[] = [
  { id: 'val-f', title: 'F (per image), validation', yLabel: 'F (per image)', key: 'valF', best: 'highest' },
  { id: 'val-f1', title: 'Macro F1 (Dice), validation', yLabel: 'macro F1', key: 'valMacroF1', best: 'highest' },
  { id: 'val-iou', title: 'Macro IoU (Jaccard), validation', yLabel: 'macro IoU', key: 'valMacroIou', best: 'highest' },
  { id: 'val-loss', title: 'Validation loss', yLabel: 'loss', key: 'valLoss', best: 'lowest' },
  { id: 'loss', title: 'Training loss, mean of each epoch', yLabel: 'loss', key: 'loss', join: 'mean', best: 'lowest' },
  { id: 'learning-rate', title: 'Learning rate', yLabel: 'learning rate', key: 'learningRate', join: 'last' },
];

/** Rows of the table behind a chart. */
const mostRows = 40;

function pointsOf({ metrics }: ComparedRun, { key, join }: Curve): Points {
  const points = metrics.flatMap((line) => {
    const value = line[key];
    return value !== undefined && Number.isFinite(value) ? [[line.epoch, value] as const] : [];
  });
  const epochs = Math.ceil(points.at(-1)?.[0] ?? 0);
  return join === undefined || points.length <= 2 * epochs ? points : joinEpochs(points, join);
}

/** One point for each epoch, at its last step. */
function joinEpochs(points: Points, join: 'mean' | 'last'): Points {
  const byEpoch = new Map<number, { epoch: number; sum: number; last: number; count: number }>();
  for (const [epoch, value] of points) {
    // The rounding error of a step must not open an epoch of its own.
    const index = Math.ceil(epoch - 1e-6);
    const before = byEpoch.get(index) ?? { sum: 0, count: 0 };
    byEpoch.set(index, { epoch, sum: before.sum + value, last: value, count: before.count + 1 });
  }
  return [...byEpoch.values()].map(({ epoch, sum, last, count }) => [epoch, join === 'mean' ? sum / count : last]);
}

/** The values behind a chart, thinned evenly to a readable number of rows. */
function dataTable({ id, title, key }: Curve, series: readonly (CurveSeries & { points: Points })[]): Table {
  const values = series.map(({ points }) => new Map(points));
  const epochs = [...new Set(values.flatMap((points) => [...points.keys()]))].sort((a, b) => a - b);
  const every = Math.ceil(epochs.length / mostRows);
  const shown = epochs.filter((_, index) => index % every === 0 || index === epochs.length - 1);
  const format = { kind: 'fixed', digits: 4 } as const;
  const short = (value: number | undefined): TableValue =>
    value !== undefined && key === 'learningRate' ? Number(value.toPrecision(4)) : value;
  return {
    id: `chart-${id}`,
    title: `${title}: values`,
    columns: [
      { key: 'epoch', title: 'epoch' },
      ...series.map(({ name }, index) => ({
        key: `run-${index + 1}`,
        title: name,
        ...(key !== 'learningRate' && { format }),
      })),
    ],
    rows: shown.map((epoch) => [Number(epoch.toFixed(2)), ...values.map((points) => short(points.get(epoch)))]),
    ...(every > 1 && { note: `Every ${every}th of ${epochs.length} rows.` }),
  };
}

/** The end and the best value of each run in words. */
function describe({ best, digits = 4, title }: Curve, series: readonly { name: string; points: Points }[]): string {
  const parts = series.map(({ name, points }) => {
    const values = points.map(([, value]) => value);
    const last = values.at(-1);
    if (last === undefined) return `${name} has no values`;
    const format = (value: number) => (best ? value.toFixed(digits) : String(Number(value.toPrecision(3))));
    const top = values.reduce((a, b) => (best === 'lowest' ? Math.min(a, b) : Math.max(a, b)));
    return `${name} ends at ${format(last)}${best ? `, ${best} ${format(top)}` : ''}`;
  });
  return `Line chart of ${title} over epochs, one line per run. ${parts.join('; ')}.`;
}

/** Peaks of the learning rate further apart than this are drawn on a logarithmic axis. */
const mostLinearRatio = 5;
/** A logarithmic axis ends here below the smallest peak: a cosine ends at 0. */
const smallestShare = 1e-3;

/** The smallest value of a logarithmic axis, if the values of the runs differ so much that they need one. */
function logFloor({ key }: Curve, series: readonly { points: Points }[]): number | undefined {
  if (key !== 'learningRate') return undefined;
  const peaks = series.flatMap(({ points }) =>
    points.length > 0 ? Math.max(...points.map(([, value]) => value)) : [],
  );
  const [low, high] = [Math.min(...peaks), Math.max(...peaks)];
  return low > 0 && high > mostLinearRatio * low ? low * smallestShare : undefined;
}

/** The curves of training, the lines of all runs overlaid; quantities that no run has logged are left out. */
export async function curveCharts(
  { runs }: Comparison,
  theme: ChartTheme,
  ownLegend: boolean,
): Promise<ComparisonChart[]> {
  const charts: ComparisonChart[] = [];
  for (const curve of curves) {
    const series = runs.map((run) => ({ name: shorten(run.name, 60), points: pointsOf(run, curve) }));
    if (series.every(({ points }) => points.length === 0)) continue;
    const floor = logFloor(curve, series);
    const drawn =
      floor === undefined
        ? series
        : series.map(({ name, points }) => ({ name, points: points.filter(([, value]) => value >= floor) }));
    const svg = await curvesChart(drawn, {
      title: ownLegend ? curve.title : '',
      xLabel: 'epoch',
      yLabel: curve.yLabel,
      xFrom: 0,
      ...(floor !== undefined && { yScale: 'log' as const }),
      ...(ownLegend ? { width: 720, height: 340, legend: 'side' } : { width: 460, height: 290, legend: 'none' }),
      theme,
    });
    charts.push({
      id: `curve-${curve.id}`,
      section: 'curves',
      title: curve.title,
      description: describe(curve, series),
      svg,
      data: dataTable(curve, series),
    });
  }
  return charts;
}
