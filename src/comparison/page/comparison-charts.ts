import { type ChartTheme, type LineLook, lineLook } from '../../charts/chart-theme.ts';
import { confusionMatrix, occurringClasses, rowShares } from '../../charts/confusion-matrix.ts';
import { type Dot, dotChart } from '../../charts/dot-chart.ts';
import { shorten } from '../../text/escape-markup.ts';
import type { ComparedRun, Comparison, SplitName, SplitScores } from '../comparison.ts';
import { occurringIn, scoresOn, shownSplits } from '../split-scores.ts';
import type { Table, TableColumn, TableValue } from '../tables/table.ts';

/** A chart of a comparison with its text alternative. */
export interface ComparisonChart {
  /** Unique in a comparison: `curve-val-f`. */
  readonly id: string;
  readonly section: 'scores' | 'curves' | 'classes' | 'confusion' | 'data';
  readonly title: string;
  /** What it shows, in words. */
  readonly description: string;
  readonly svg: string;
  /** Its numbers. */
  readonly data: Table;
}

const ratio = { kind: 'fixed', digits: 4 } as const;

/** The looks of splits differ in marker and grey, so that they are not taken for runs. */
export function splitLook(split: SplitName, theme: ChartTheme): LineLook {
  const { marker } = lineLook(['train', 'val', 'test'].indexOf(split), theme);
  return { color: split === 'train' ? theme.muted : theme.ink, dash: [], marker };
}

/** F (per image) of every run on every split, with its standard error. */
function scoreChart(comparison: Comparison, theme: ChartTheme): ComparisonChart {
  const { runs } = comparison;
  const splits = shownSplits(comparison).reverse();
  const names = runs.map(({ name }) => name);
  const dotOf = (run: ComparedRun, split: SplitName): Dot | undefined => {
    const f = scoresOn(run, split)?.f;
    if (!f) return undefined;
    const { mean, standardError } = f;
    return { value: mean, ...(standardError > 0 && { outer: [mean - standardError, mean + standardError] as const }) };
  };
  const columns = splits.flatMap((split): TableColumn[] => [
    { key: `${split}F`, title: `F on ${split}`, format: ratio },
    { key: `${split}StandardError`, title: `standard error on ${split}`, format: ratio },
  ]);
  return {
    id: 'f',
    section: 'scores',
    title: 'F (per image) ± standard error',
    description: `Dot chart of F (per image) with standard errors, one row per run, one dot per split. ${runs
      .map(
        (run) =>
          `${run.name}: ${splits.map((split) => `${scoresOn(run, split)?.f.mean.toFixed(4) ?? 'no score'} on ${split}`).join(', ')}`,
      )
      .join('; ')}.`,
    svg: dotChart(
      splits.map((split) => ({
        name: split,
        look: splitLook(split, theme),
        dots: runs.map((run) => dotOf(run, split)),
      })),
      { rows: names.map((name) => shorten(name, 60)), xLabel: 'F (per image)', rowGap: 14, theme },
    ),
    data: {
      id: 'chart-f',
      title: 'F (per image) by run: values',
      columns: [{ key: 'run', title: 'run' }, ...columns],
      rows: runs.map((run) => [
        run.name,
        ...splits.flatMap((split): TableValue[] => {
          const f = scoresOn(run, split)?.f;
          return [f?.mean, f?.standardError];
        }),
      ]),
    },
  };
}

/** Start of the axis of F1: a round number below the lowest one of any class, run and split, so that charts compare. */
function lowestF1({ runs }: Comparison): number {
  const all = runs.flatMap(({ scores }) =>
    scores.flatMap(({ summary }) => occurringClasses(summary).map((id) => summary.perClass[id].f1)),
  );
  return Math.max(0, Math.min(0.8, Math.floor(10 * all.reduce((a, b) => Math.min(a, b), 1) - 0.1) / 10));
}

/** Pooled F1 of each class and run on a split. */
function classChart(comparison: Comparison, split: SplitName, theme: ChartTheme): ComparisonChart {
  const { runs, labelSet } = comparison;
  const ids = occurringIn(runs.flatMap((run) => scoresOn(run, split) ?? []));
  const names = ids.map((id) => labelSet.classes[id].name);
  const f1 = (run: ComparedRun, id: number) => scoresOn(run, split)?.summary.perClass[id].f1;
  const hardest = ids
    .map((id) => ({ id, mean: runs.reduce((sum, run) => sum + (f1(run, id) ?? 0), 0) / runs.length }))
    .sort((a, b) => a.mean - b.mean)
    .slice(0, 3);
  return {
    id: `classes-${split}`,
    section: 'classes',
    title: `F1 (Dice) by class on ${split}`,
    description: `Dot chart of the pooled F1 of each class on ${split}, one row per class, one dot per run. The classes with the lowest mean over the runs are ${hardest
      .map(({ id, mean }) => `${labelSet.classes[id].name} (${mean.toFixed(3)})`)
      .join(', ')}.`,
    svg: dotChart(
      runs.map((run) => ({
        name: run.name,
        dots: ids.map((id) => {
          const value = f1(run, id);
          return value === undefined ? undefined : { value };
        }),
      })),
      { rows: names, xLabel: 'F1', domain: [lowestF1(comparison), 1], theme },
    ),
    data: {
      id: `chart-classes-${split}`,
      title: `F1 (Dice) by class on ${split}: values`,
      columns: [
        { key: 'class', title: 'class' },
        ...runs.map(({ name }, index) => ({ key: `run-${index + 1}`, title: name, format: ratio })),
      ],
      rows: ids.map((id) => [labelSet.classes[id].name, ...runs.map((run) => f1(run, id))]),
    },
  };
}

/** The largest shares of a true class that are predicted as another class, in words. */
function worstConfusions({ summary }: SplitScores, { classes }: Comparison['labelSet']): string {
  const wrong = occurringClasses(summary).flatMap((truth) =>
    [...rowShares(summary.confusion, classes.length, truth)].map((share, predicted) => ({ truth, predicted, share })),
  );
  const worst = wrong
    .filter(({ truth, predicted, share }) => truth !== predicted && share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
  if (worst.length === 0) return 'No pixel is wrong.';
  const parts = worst.map(
    ({ truth, predicted, share }) =>
      `${(100 * share).toFixed(1)} % of ${classes[truth].name} as ${classes[predicted].name}`,
  );
  return `The largest confusions are ${parts.join(', ')}.`;
}

/** The confusion matrix of each run on the last split. */
function confusionCharts(comparison: Comparison, theme: ChartTheme): ComparisonChart[] {
  const { runs, labelSet } = comparison;
  const [split] = shownSplits(comparison);
  return runs.flatMap((run, index) => {
    const scores = scoresOn(run, split);
    if (!scores) return [];
    const ids = occurringClasses(scores.summary);
    return {
      id: `confusion-${index + 1}`,
      section: 'confusion' as const,
      title: run.name,
      description: `Confusion matrix of ${run.name} on ${split}: rows are true classes, columns predicted classes, numbers percent of the row. ${worstConfusions(scores, labelSet)}`,
      svg: confusionMatrix(scores.summary, labelSet, theme),
      data: {
        id: `chart-confusion-${index + 1}`,
        title: `Confusion matrix of ${run.name} on ${split}: percent of the pixels of the true class`,
        columns: [
          { key: 'truth', title: 'truth' },
          ...ids.map((id) => ({
            key: `class-${id}`,
            title: labelSet.classes[id].name,
            format: { kind: 'fixed', digits: 2 } as const,
          })),
        ],
        rows: ids.map((id) => {
          const shares = rowShares(scores.summary.confusion, labelSet.classes.length, id);
          return [labelSet.classes[id].name, ...ids.map((predicted) => 100 * shares[predicted])];
        }),
      },
    };
  });
}

const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;

/** How often each class occurs, and how much of an image it covers where it does. */
function dataCharts({ distributions, labelSet }: Comparison, theme: ChartTheme): ComparisonChart[] {
  const filled = distributions.filter(({ images }) => images > 0);
  if (filled.length === 0) return [];
  const names = labelSet.classes.map(({ name }) => name);
  const shareOf = (classes: (typeof filled)[number]['classes'], id: number) => classes.find((entry) => entry.id === id);
  const table = (
    id: string,
    title: string,
    values: (share: ReturnType<typeof shareOf>) => TableValue[],
    titles: readonly string[],
  ): Table => ({
    id,
    title,
    columns: [
      { key: 'class', title: 'class' },
      ...filled.flatMap(({ split }) =>
        titles.map((name) => ({
          key: `${split}${name}`,
          title: [split, name].filter(Boolean).join(', '),
          unit: '%',
          format: { kind: 'fixed', digits: 2 } as const,
        })),
      ),
    ],
    rows: labelSet.classes.map(({ id: one, name }) => [
      name,
      ...filled.flatMap(({ classes }) => values(shareOf(classes, one))),
    ]),
  });
  const series = (dot: (share: NonNullable<ReturnType<typeof shareOf>>) => Dot | undefined) =>
    filled.map(({ split, classes }) => ({
      name: split,
      look: splitLook(split, theme),
      dots: labelSet.classes.map(({ id }) => {
        const share = shareOf(classes, id);
        return share && dot(share);
      }),
    }));
  return [
    {
      id: 'images',
      section: 'data',
      title: 'Share of the images with the class',
      description: `Dot chart of the share of the images that contain each class, one dot per split: ${filled.map(({ split }) => split).join(', ')}.`,
      svg: dotChart(
        series(({ images }) => ({ value: images })),
        { rows: names, xLabel: 'images', domain: [0, 1], formatTick: percent, theme },
      ),
      data: table(
        'chart-images',
        'Share of the images with the class: values',
        (share) => [share && 100 * share.images],
        [''],
      ),
    },
    {
      id: 'shares',
      section: 'data',
      title: 'Share of the image that the class covers, where it occurs',
      description:
        'Range chart with a logarithmic axis of the share of the pixels of an image that each class covers, over the images that contain it: median, quartiles, and 5 % and 95 % quantiles, one range per split.',
      svg: dotChart(
        series(({ quantiles }) => {
          if (!quantiles) return undefined;
          const [q5, q25, q50, q75, q95] = quantiles;
          return { value: q50, inner: [q25, q75], outer: [q5, q95] };
        }),
        { rows: names, xLabel: 'pixels of the image', scale: 'log', formatTick: percent, theme },
      ),
      data: table(
        'chart-shares',
        'Share of the image that the class covers: values',
        (share) => (share?.quantiles ?? new Array<undefined>(5).fill(undefined)).map((value) => value && 100 * value),
        ['5 %', '25 %', 'median', '75 %', '95 %'],
      ),
    },
  ];
}

/** All charts of a comparison but its curves. */
export function scoreCharts(comparison: Comparison, theme: ChartTheme): ComparisonChart[] {
  return [
    scoreChart(comparison, theme),
    ...shownSplits(comparison).map((split) => classChart(comparison, split, theme)),
    ...confusionCharts(comparison, theme),
    ...dataCharts(comparison, theme),
  ];
}
