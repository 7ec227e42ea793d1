import { type ChartTheme, type LineLook, lineLook, markerPath, paperTheme } from './chart-theme.ts';
import { fitText, round, svgImage, svgText, textWidth } from './svg-text.ts';

/** A dot with optional ranges about it, thin for the outer and thick for the inner one. */
export interface Dot {
  readonly value: number;
  readonly outer?: readonly [low: number, high: number];
  readonly inner?: readonly [low: number, high: number];
}

export interface DotSeries {
  readonly name: string;
  /** Default: that of the series' place. */
  readonly look?: LineLook;
  /** One for each row; undefined where there is none. */
  readonly dots: readonly (Dot | undefined)[];
}

export interface DotChartOptions {
  /** Names of the rows, from top to bottom. */
  readonly rows: readonly string[];
  readonly xLabel: string;
  /** Ends of the axis; default: the data, with a margin. */
  readonly domain?: readonly [low: number, high: number];
  /** `log` needs positive values. */
  readonly scale?: 'linear' | 'log';
  readonly formatTick?: (value: number) => string;
  readonly width?: number;
  /** Height of a row without the space for its dots. */
  readonly rowGap?: number;
  readonly theme?: ChartTheme;
}

const fontSize = 12;
const radius = 3.4;
/** Distance between the dots of a row, for few and for many series. */
const steps = { few: 7, many: 5.5 };
const fewSeries = 4;
const mostLabelWidth = 130;

/** Round numbers for the ticks of a linear axis, at most about `most` of them. */
export function linearTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / size - 1e-9);
  const count = Math.floor(high / size + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * size).toPrecision(6)));
}

function logTicks(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => Number((10 ** (first + index)).toPrecision(6)));
}

/** The ends of the axis: those wanted, else those of the data with a margin. */
function domainOf(series: readonly DotSeries[], { domain, scale }: DotChartOptions): readonly [number, number] {
  if (domain) return domain;
  const values = series
    .flatMap(({ dots }) => dots)
    .flatMap((dot) => (dot ? [dot.value, ...(dot.outer ?? []), ...(dot.inner ?? [])] : []))
    .filter((value) => Number.isFinite(value) && (scale !== 'log' || value > 0));
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!(low <= high)) return scale === 'log' ? [0.01, 1] : [0, 1];
  if (scale === 'log') return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
  const margin = Math.max((high - low) * 0.08, 0.001);
  return [low - margin, high + margin];
}

/**
 * Draws one dot for each row and series, with ranges, over a common horizontal axis, as an SVG. The dots of a row are below each
 * other, in the look of `lineLook`. There is no legend.
 *
 * @example dotChart([{ name: 'val', dots: [{ value: 0.9 }] }], { rows: ['skin'], xLabel: 'F1' })
 */
export function dotChart(series: readonly DotSeries[], options: DotChartOptions): string {
  const { rows, xLabel, scale = 'linear', formatTick = String, width = 440, rowGap = 10, theme = paperTheme } = options;
  const [low, high] = domainOf(series, options);
  const labels = rows.map((row) => fitText(row, fontSize, mostLabelWidth));
  const left = Math.max(0, ...labels.map((label) => textWidth(label, fontSize))) + 10;
  const right = width - 18;
  const step = series.length > fewSeries ? steps.many : steps.few;
  const [top, rowHeight] = [6, rowGap + step * Math.max(1, series.length)];
  const bottom = top + rows.length * rowHeight;
  const place = (value: number): number => {
    const share = scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return left + Math.min(1, Math.max(0, share)) * (right - left);
  };
  const ticks = scale === 'log' ? logTicks(low, high) : linearTicks(low, high, 5);
  const parts = [
    ...ticks.map(
      (tick) =>
        `<path d="M${round(place(tick))} ${top}V${bottom}" stroke="${theme.grid}"/>${svgText(formatTick(tick), place(tick), bottom + 16, { size: fontSize - 0.5, anchor: 'middle', color: theme.muted })}`,
    ),
    ...rows.map((_, row) => {
      const y = top + row * rowHeight;
      return row === 0 ? '' : `<path d="M${left} ${y}H${right}" stroke="${theme.grid}" stroke-width="0.6"/>`;
    }),
    `<path d="M${left} ${bottom}H${right}" stroke="${theme.axis}"/>`,
    svgText(xLabel, (left + right) / 2, bottom + 35, { size: fontSize, anchor: 'middle', color: theme.muted }),
  ];
  labels.forEach((label, row) => {
    const middle = top + (row + 0.5) * rowHeight;
    parts.push(svgText(label, left - 8, middle + 4, { size: fontSize, anchor: 'end', color: theme.ink }));
    series.forEach(({ dots, look }, index) => {
      const dot = dots[row];
      if (!dot || !Number.isFinite(dot.value) || (scale === 'log' && !(dot.value > 0))) return;
      const y = middle + (index - (series.length - 1) / 2) * step;
      const { color, marker } = look ?? lineLook(index, theme);
      const range = (ends: readonly [number, number], thickness: number) =>
        `<path d="M${round(place(ends[0]))} ${round(y)}H${round(place(ends[1]))}" stroke="${color}" stroke-width="${thickness}"/>`;
      parts.push(
        (dot.outer ? range(dot.outer, 1.2) : '') +
          (dot.inner ? range(dot.inner, 3.2) : '') +
          `<path d="${markerPath(marker, place(dot.value), y, radius)}" fill="${color}"/>`,
      );
    });
  });
  return svgImage(width, bottom + 44, parts);
}
