import { type ChartTheme, lineLook, paperTheme } from './chart-theme.ts';
import { loadEcharts, toSvg } from './load-echarts.ts';

/** One logged line of a run; values not measured at that step are absent. */
export interface MetricsRow {
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
  readonly loss?: number;
  /** Sum of the losses at the auxiliary heads, before weighting. */
  readonly auxiliary?: number;
  readonly learningRate?: number;
  /** F (per image) on the validation set. */
  readonly valF?: number;
  readonly valMacroIou?: number;
  readonly valLoss?: number;
  /** F (per image) on training images, without augmentation. */
  readonly trainF?: number;
}

export interface CurveSeries {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly axis?: 'left' | 'right';
  /** Draws the line thick and dark, for the baseline of a comparison. */
  readonly highlight?: boolean;
}

export interface CurvesChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Largest start of the x axis; default the first point. */
  readonly xFrom?: number;
  /** Scale of the left axis; `log` needs positive values. Default `linear`. */
  readonly yScale?: 'linear' | 'log';
  /** Title of the right axis, drawn if a series uses it. */
  readonly rightLabel?: string;
  readonly width?: number;
  readonly height?: number;
  /** Name of the series whose maximum is marked with its value. */
  readonly markBest?: string;
  /** Position of the legend: next to the title, or to the right of the chart with one series per line; or no legend. */
  readonly legend?: 'top' | 'side' | 'none';
  /** Colours and typeface; default dark on white. */
  readonly theme?: ChartTheme;
}

interface Panel extends CurvesChartOptions {
  readonly series: readonly CurveSeries[];
}

/** More points than pixels add no information, and a long run logs a hundred thousand. */
const mostPoints = 2000;

/** Thins points evenly and keeps the minimum and maximum of every interval, so spikes stay visible. */
function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length <= mostPoints) return finite;
  const stretch = Math.ceil(finite.length / (mostPoints / 2));
  const kept: (readonly [number, number])[] = [];
  for (let start = 0; start < finite.length; start += stretch) {
    let low = start;
    let high = start;
    for (let i = start; i < Math.min(start + stretch, finite.length); i++) {
      if (finite[i][1] < finite[low][1]) low = i;
      if (finite[i][1] > finite[high][1]) high = i;
    }
    for (const i of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) kept.push(finite[i]);
  }
  return kept;
}

function bestPoint(points: readonly (readonly [number, number])[]): readonly [number, number] | undefined {
  return points.reduce<readonly [number, number] | undefined>(
    (best, point) => (best === undefined || point[1] > best[1] ? point : best),
    undefined,
  );
}

/** Above a point below another line, a label would lie on that line; a point just above the x axis has no space below. */
function labelPosition({ series }: Panel, [x, y]: readonly [number, number]): 'top' | 'bottom' {
  const left = series.filter(({ axis }) => axis !== 'right').flatMap(({ points }) => points);
  const heights = left.map((point) => point[1]).filter(Number.isFinite);
  const [low, high] = [heights.reduce((a, b) => Math.min(a, b)), heights.reduce((a, b) => Math.max(a, b))];
  const isBelowAnother = left.some((point) => point[0] === x && point[1] > y);
  return isBelowAnother && y - low > 0.15 * (high - low) ? 'bottom' : 'top';
}

/** Formats an axis label: 0.0015 as 1.5e-3, other numbers as they are. */
function formatTick(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1).replace('.0e', 'e');
  return String(Number(value.toPrecision(6)));
}

/** Whether the end of an axis has few digits. */
function isShort(value: number): boolean {
  return value === Number(value.toPrecision(2)) || Number.isInteger(value);
}

/** Margin to the right of a panel; a legend there is as wide as its longest name. */
function rightMargin({ legend, series }: Panel): number {
  if (legend !== 'side') return series.some(({ axis }) => axis === 'right') || legend !== 'none' ? 70 : 16;
  const longest = series.reduce((length, { name }) => Math.max(length, name.length), 0);
  return 76 + 7.5 * longest;
}

/** Height above a panel's plot, for its title and legend. */
function topMargin({ title, legend }: Panel): number {
  return title === '' && legend === 'none' ? 14 : 46;
}

function legendLayout(panel: Panel, top: number, width: number, { ink }: ChartTheme) {
  const common = { padding: 0, itemHeight: 8, textStyle: { color: ink, fontSize: 12 } };
  if (panel.legend === 'side') {
    // Without an icon the legend shows the line itself, including its dashes.
    return {
      ...common,
      orient: 'vertical' as const,
      left: width - rightMargin(panel) + 24,
      top: top + 46,
      itemGap: 10,
      itemWidth: 30,
    };
  }
  // Without a font echarts estimates text widths; the gap allows for an underestimate.
  return { ...common, right: 82, top: top + 10, itemGap: 18, itemWidth: 22 };
}

/** Stacks panels into one SVG with aligned x axes. */
async function drawPanels(panels: readonly Panel[], width: number, theme = paperTheme): Promise<string> {
  const echarts = await loadEcharts();
  const heights = panels.map((panel) => panel.height ?? 260);
  const tops = heights.map((_, i) => heights.slice(0, i).reduce((a, b) => a + b, 0));
  const height = heights.reduce((a, b) => a + b, 0);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const axisStyle = {
    axisLine: { show: true, lineStyle: { color: theme.axis } },
    axisLabel: { color: theme.muted, fontSize: 12, formatter: formatTick },
    nameTextStyle: { color: theme.muted, fontSize: 12 },
    nameLocation: 'middle' as const,
  };
  const ends = panels.flatMap((panel) => panel.series.flatMap(({ points }) => thin(points).map(([x]) => x)));
  const starts = panels.flatMap(({ xFrom }) => xFrom ?? []);
  const low = [...starts, ...ends].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = ends.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  // An integer end keeps the last tick clear of the one before; a single x is left to echarts.
  const span: { min?: number; max?: number } = low < high ? { min: low, max: high >= 5 ? Math.ceil(high) : high } : {};
  chart.setOption({
    animation: false,
    backgroundColor: theme.background,
    textStyle: { fontFamily: theme.font },
    title: panels.map((panel, i) => ({
      text: panel.title,
      left: 20,
      top: tops[i] + 12,
      padding: 0,
      textStyle: { fontSize: 15, fontWeight: 'bold' as const, color: theme.ink },
    })),
    legend: panels.map((panel, i) => ({
      show: panel.series.length > 1 && panel.legend !== 'none',
      data: panel.series.map(({ name }) => name),
      ...legendLayout(panel, tops[i], width, theme),
    })),
    grid: panels.map((panel, i) => ({
      left: 78,
      right: rightMargin(panel),
      top: tops[i] + topMargin(panel),
      height: heights[i] - topMargin(panel) - 50,
    })),
    xAxis: panels.map((panel, i) => ({
      ...axisStyle,
      type: 'value' as const,
      gridIndex: i,
      ...span,
      // Long numbers at the ends would run into the ticks beside them.
      axisLabel: { ...axisStyle.axisLabel, showMinLabel: isShort(low), showMaxLabel: isShort(span.max ?? high) },
      name: panel.xLabel,
      nameGap: 26,
      splitLine: { show: false },
    })),
    yAxis: panels.flatMap((panel, i) => [
      {
        ...axisStyle,
        type: panel.yScale === 'log' ? ('log' as const) : ('value' as const),
        gridIndex: i,
        scale: true,
        name: panel.yLabel,
        nameGap: 52,
        splitNumber: 4,
        splitLine: { lineStyle: { color: theme.grid } },
      },
      {
        ...axisStyle,
        type: 'value' as const,
        gridIndex: i,
        scale: true,
        position: 'right' as const,
        show: panel.series.some(({ axis }) => axis === 'right'),
        name: panel.rightLabel ?? '',
        nameGap: 48,
        splitNumber: 4,
        splitLine: { show: false },
      },
    ]),
    series: panels.flatMap((panel, i) =>
      panel.series.map(({ name, points, axis, highlight }, k) => {
        const data = thin(points);
        const look = lineLook(k, theme);
        const color = highlight ? theme.ink : look.color;
        const dash = highlight || look.dash.length === 0 ? 'solid' : [...look.dash];
        const best = panel.markBest === name ? bestPoint(data) : undefined;
        return {
          type: 'line' as const,
          name,
          data: data.map(([x, y]) => [x, y]),
          xAxisIndex: i,
          yAxisIndex: 2 * i + (axis === 'right' ? 1 : 0),
          symbol: highlight ? 'circle' : look.marker,
          // A single point has no visible line.
          showSymbol: data.length <= 40,
          symbolSize: data.length === 1 ? 8 : 5.5,
          color,
          z: highlight ? 3 : 2,
          lineStyle: { width: highlight ? 3 : 1.8, type: dash },
          markPoint: best && {
            symbol: 'circle',
            symbolSize: 9,
            itemStyle: { color: theme.background, borderColor: color, borderWidth: 2.5 },
            label: {
              show: true,
              position: labelPosition(panel, best),
              distance: 8,
              color: theme.ink,
              fontSize: 12,
              fontWeight: 'bold' as const,
              formatter: `best ${best[1].toFixed(4)}`,
            },
            data: [{ coord: [best[0], best[1]] }],
          },
        };
      }),
    ),
  });
  return toSvg(chart);
}

/**
 * Draws lines over a common x axis as an SVG, with a second y axis for series with `axis: 'right'`. Non-finite points
 * are omitted. Long series are thinned; their extremes are kept.
 *
 * @example await curvesChart([{ name: 'train', points: [[0, 2.9], [100, 1.1]] }], { title: 'Loss', xLabel: 'step', yLabel: 'loss' })
 */
export function curvesChart(series: readonly CurveSeries[], options: CurvesChartOptions): Promise<string> {
  return drawPanels([{ height: 360, ...options, series }], options.width ?? 860, options.theme);
}

/**
 * Draws the curves of a training run over epochs as one SVG: losses, scores with the best validation F marked, learning rate.
 * Panels without values are omitted.
 *
 * @example await writeFileAtomic('runs/a/curves.svg', await runCurves(rows));
 */
export function runCurves(rows: readonly MetricsRow[]): Promise<string> {
  const line = (name: string, key: Exclude<keyof MetricsRow, 'step' | 'epoch' | 'seconds'>): CurveSeries => ({
    name,
    points: rows.flatMap((row) => {
      const value = row[key];
      return value === undefined || !Number.isFinite(value) ? [] : [[row.epoch, value] as const];
    }),
  });
  const hasPoints = ({ points }: CurveSeries) => points.length > 0;
  const panels: Panel[] = [
    {
      title: 'Loss',
      xLabel: 'epoch',
      yLabel: 'loss',
      height: 280,
      series: [
        line('training', 'loss'),
        line('validation', 'valLoss'),
        line('auxiliary heads (unweighted)', 'auxiliary'),
      ].filter(hasPoints),
    },
    {
      title: 'Scores',
      xLabel: 'epoch',
      yLabel: 'score',
      height: 300,
      markBest: 'F (per image)',
      series: [
        line('F (per image)', 'valF'),
        line('macro IoU (pooled)', 'valMacroIou'),
        line('F on training images', 'trainF'),
      ].filter(hasPoints),
    },
    {
      title: 'Learning rate',
      xLabel: 'epoch',
      yLabel: 'learning rate',
      height: 220,
      series: [line('learning rate', 'learningRate')].filter(hasPoints),
    },
  ];
  const filled = panels.filter(({ series }) => series.length > 0);
  // An empty run still produces a valid image that says so.
  return drawPanels(filled.length > 0 ? filled : [{ ...panels[0], title: 'Loss (nothing logged yet)' }], 860);
}
