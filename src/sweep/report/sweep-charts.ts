import { paperTheme } from '../../charts/chart-theme.ts';
import { loadEcharts, toSvg } from '../../charts/load-echarts.ts';
import type { LoggedJob } from '../shard-log.ts';
import { formatSetting, valuesOf } from '../space/distribution.ts';
import type { Dimension } from '../space/space.ts';
import { isBetter, isHigherBetter, type SweepPlan } from '../sweep.ts';
import { bestTrial, type Trial } from '../trials.ts';
import type { Importance } from './importance.ts';

const { ink, muted, axis, grid, background, font } = paperTheme;
/** Orange and blue differ for all kinds of colour vision; the blues differ in brightness. */
const [barColor, bestColor] = paperTheme.lines;
const pale = [200, 214, 229] as const;
const deep = [16, 60, 120] as const;

const title = (text: string, subtext: string) => ({
  text,
  subtext,
  left: 20,
  top: 12,
  padding: 0,
  itemGap: 6,
  textStyle: { fontSize: 15, fontWeight: 'bold' as const, color: ink },
  subtextStyle: { fontSize: 12, color: muted },
});

const axisStyle = {
  axisLine: { show: true, lineStyle: { color: axis } },
  axisLabel: { color: muted, fontSize: 12 },
  nameTextStyle: { color: muted, fontSize: 12 },
  nameLocation: 'middle' as const,
};

const common = { animation: false, backgroundColor: background, textStyle: { fontFamily: font } };

async function draw(width: number, height: number, option: object): Promise<string> {
  const echarts = await loadEcharts();
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ ...common, ...option });
  return toSvg(chart);
}

/** Scores as they were found, with the minutes of work until then. */
function foundScores(
  trials: readonly Trial[],
  jobs: readonly LoggedJob[],
): { minutes: number; score: number; rung: number }[] {
  const byNumber = new Map(trials.map((trial) => [trial.trial, trial]));
  return jobs
    .flatMap(({ trial, rung, seconds }) => {
      const score = byNumber.get(trial)?.scores[rung];
      return score === undefined || !Number.isFinite(score) ? [] : [{ minutes: seconds / 60, score, rung }];
    })
    .sort((a, b) => a.minutes - b.minutes);
}

/**
 * Draws the best score over the time of the work, and the score of every trial at every rung that it reached. Undefined without
 * scores.
 */
export async function scoreChart(
  { metric, halving }: SweepPlan,
  trials: readonly Trial[],
  jobs: readonly LoggedJob[],
): Promise<string | undefined> {
  const found = foundScores(trials, jobs);
  if (found.length === 0) return undefined;
  const steps: [number, number][] = [];
  for (const { minutes, score } of found) {
    const best = steps.at(-1)?.[1];
    if (best === undefined || isBetter(metric, score, best)) steps.push([minutes, score]);
  }
  steps.push([found.at(-1)!.minutes, steps.at(-1)![1]]);
  const symbols = ['circle', 'rect', 'triangle', 'diamond', 'pin'];
  const blues = halving.rungs.map((_, rung) =>
    shade(halving.rungs.length < 2 ? 1 : 0.25 + (0.75 * rung) / (halving.rungs.length - 1)),
  );
  return draw(860, 380, {
    title: title('Best score over time', ''),
    legend: {
      right: 24,
      top: 12,
      padding: 0,
      itemGap: 18,
      itemHeight: 9,
      itemWidth: 14,
      textStyle: { color: muted, fontSize: 12 },
    },
    grid: { left: 78, right: 40, top: 56, bottom: 56 },
    xAxis: { ...axisStyle, type: 'value', name: 'minutes of work', nameGap: 28, splitLine: { show: false } },
    yAxis: {
      ...axisStyle,
      type: 'value',
      scale: true,
      name: metric,
      nameGap: 52,
      splitLine: { lineStyle: { color: grid } },
    },
    series: [
      {
        type: 'line',
        name: 'best so far',
        step: 'end',
        showSymbol: false,
        data: steps,
        color: bestColor,
        lineStyle: { width: 2.5 },
      },
      ...halving.rungs.map((epochs, rung) => ({
        type: 'scatter',
        name: `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
        symbol: symbols[rung % symbols.length],
        symbolSize: 8,
        data: found.filter((one) => one.rung === rung).map(({ minutes, score }) => [minutes, score]),
        color: blues[rung],
      })),
    ],
  });
}

/** Draws the importance of each key as bars. Undefined if it is unknown for all. */
export async function importanceChart(importance: readonly Importance[], note: string): Promise<string | undefined> {
  const known = importance.filter((one) => one.share !== undefined).reverse();
  if (known.length === 0) return undefined;
  const longest = Math.max(...known.map(({ key }) => key.length));
  return draw(760, 110 + 30 * known.length, {
    title: title('Importance of each key', note),
    grid: { left: 30 + 7.2 * longest, right: 60, top: 62, bottom: 44 },
    xAxis: {
      ...axisStyle,
      type: 'value',
      min: 0,
      max: 1,
      name: 'share of the variance of ranks',
      nameGap: 26,
      splitLine: { lineStyle: { color: grid } },
    },
    yAxis: { ...axisStyle, type: 'category', data: known.map(({ key }) => key), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        color: barColor,
        label: {
          show: true,
          position: 'right',
          color: ink,
          fontSize: 12,
          formatter: ({ value }: { value: number }) => value.toFixed(2),
        },
        data: known.map(({ share }) => share),
      },
    ],
  });
}

/** A blue from pale (0) to deep (1). */
function shade(share: number): string {
  const channels = pale.map((from, index) => Math.round(from + (deep[index] - from) * share));
  return `rgb(${channels.join(',')})`;
}

/** The values of an axis with single values, in order; undefined for a continuous one. */
function categoriesOf({ distribution }: Dimension): string[] | undefined {
  const values = distribution.kind === 'choice' ? [...distribution.values] : undefined;
  if (!values) return undefined;
  if (values.every((value) => typeof value === 'number')) values.sort((a, b) => (a as number) - (b as number));
  return values.map(formatSetting);
}

/** A long key in two lines: names of neighbouring axes must not overlap. */
function axisName(key: string): string {
  return key.length <= 16 ? key : key.replace(/\.(?=[^.]*$)/, '.\n');
}

function dimensionAxis(dimension: Dimension): object {
  const { key, distribution } = dimension;
  const name = axisName(key);
  const categories = categoriesOf(dimension);
  if (categories) return { name, type: 'category', data: categories };
  const { low, high } = distribution as { low: number; high: number };
  const type = distribution.kind.startsWith('log') ? 'log' : 'value';
  return { name, type, min: low, max: high, minInterval: valuesOf(distribution) ? 1e-9 : undefined };
}

/**
 * Draws the settings of all trials as parallel coordinates: one axis per key, and one for the score; better trials are darker,
 * and the best one is orange. Undefined without scores.
 */
export async function settingsChart(
  { space, metric }: SweepPlan,
  trials: readonly Trial[],
): Promise<string | undefined> {
  const best = bestTrial(trials, metric);
  const scored = trials.filter(({ score, failed }) => !failed && score !== undefined && Number.isFinite(score));
  if (!best || scored.length === 0) return undefined;
  // The best one is drawn last, above the others.
  const sorted = [...scored].sort((a, b) => (isBetter(metric, a.score!, b.score!) ? 1 : -1));
  const order = sorted.filter((trial) => trial !== best).concat(sorted.includes(best) ? [best] : []);
  const data = order.map((trial, index) => {
    const isBest = trial === best;
    const share = order.length < 3 ? 0.5 : index / (order.length - 2);
    const values = space.map(({ key, distribution }) => {
      const value = trial.settings.get(key);
      return distribution.kind === 'choice' ? formatSetting(value) : value;
    });
    return {
      value: [...values, trial.score],
      lineStyle: { color: isBest ? bestColor : shade(Math.min(1, share)), width: isBest ? 4 : 1.5, opacity: 1 },
    };
  });
  const width = Math.max(700, 150 * (space.length + 1));
  const names = [
    ...space.map(dimensionAxis),
    { name: metric, type: 'value', scale: true, inverse: !isHigherBetter(metric) },
  ];
  return draw(width, 430, {
    title: title(
      'Settings and scores',
      `One line per trial; better ones are darker. Trial ${best.trial}, the best, is orange.`,
    ),
    parallel: {
      left: 90,
      right: 90,
      top: 116,
      bottom: 30,
      parallelAxisDefault: {
        nameTextStyle: { color: ink, fontSize: 12 },
        nameGap: 14,
        nameTruncate: { maxWidth: 400 },
        axisLine: { lineStyle: { color: axis } },
        axisLabel: {
          color: muted,
          fontSize: 12,
          formatter: shortTick,
          textBorderColor: background,
          textBorderWidth: 3,
        },
      },
    },
    parallelAxis: names.map((one, dim) => ({ dim, ...one })),
    series: [{ type: 'parallel', smooth: false, data }],
  });
}

/** Formats an axis label: 0.0015 as 1.5e-3, other numbers as they are. */
function shortTick(value: string | number): string {
  if (typeof value === 'string') return value;
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1).replace('.0e', 'e');
  return String(Number(value.toPrecision(4)));
}
